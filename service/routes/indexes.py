"""Which indexes there are, and what they hold."""

from __future__ import annotations

from fastapi import APIRouter

from ..answers import IndexInfo, IndexList, IndexSummary
from ..dependencies import Indexes, NamedIndex, RequestLimits
from ..problems import refusals

router = APIRouter(prefix="/v1/indexes", tags=["indexes"])


@router.get("", operation_id="indexes", summary="All indexes, and the limits of this server")
async def all_indexes(indexes: Indexes, limits: RequestLimits) -> IndexList:
    """Name and size of each index; `limits` is the most that one request may ask for."""
    return IndexList(indexes=[IndexSummary(name=name, **at.info) for name, at in indexes.items()], limits=limits)


@router.get("/{name}", operation_id="index", summary="One index", responses=refusals(404, 422, 503))
async def one_index(served: NamedIndex) -> IndexInfo:
    """What the index says of itself."""
    return IndexInfo(name=served.name, **served.info)
