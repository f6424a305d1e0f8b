"""The indexes and their metadata."""

from __future__ import annotations

from fastapi import APIRouter

from ..dependencies import JobDep, RuntimeDep
from ..problems import refusals
from ..schemas.responses import IndexInfo, IndexList, IndexSummary

router = APIRouter(prefix="/v1/indexes", tags=["indexes"])


@router.get(
    "", operation_id="indexes", summary="All indexes, and the limits of this server", responses=refusals(401, 429)
)
async def all_indexes(runtime: RuntimeDep) -> IndexList:
    """Name and size of each index, and the limits of one request."""
    summaries = [IndexSummary(name=name, **served.info) for name, served in runtime.indexes.items()]
    return IndexList(indexes=summaries, limits=runtime.settings.limits)


@router.get("/{name}", operation_id="index", summary="One index", responses=refusals(401, 404, 422, 429, 503))
async def one_index(job: JobDep) -> IndexInfo:
    """All metadata of one index."""
    return IndexInfo(name=job.served.name, **job.served.info)
