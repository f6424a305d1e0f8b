"""Which indexes there are, and what they hold."""

from __future__ import annotations

from fastapi import APIRouter

from ..answers import IndexInfo, IndexList, IndexSummary
from ..dependencies import AppRuntime, AskedIndex
from ..problems import refusals

router = APIRouter(prefix="/v1/indexes", tags=["indexes"])


@router.get(
    "", operation_id="indexes", summary="All indexes, and the limits of this server", responses=refusals(401, 429)
)
async def all_indexes(runtime: AppRuntime) -> IndexList:
    """Name and size of each index; `limits` is the most that one request may ask for."""
    summaries = [IndexSummary(name=name, **served.info) for name, served in runtime.indexes.items()]
    return IndexList(indexes=summaries, limits=runtime.settings.limits)


@router.get("/{name}", operation_id="index", summary="One index", responses=refusals(401, 404, 422, 429, 503))
async def one_index(asked: AskedIndex) -> IndexInfo:
    """What the index says of itself."""
    return IndexInfo(name=asked.served.name, **asked.served.info)
