"""The routes of the service, one file per family."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter
from fastapi.routing import APIRoute

from ..compat import route as compat
from ..pipeline.dispatch import QueryRoute
from . import admin, changes, comparison, count, documents, find, indexes, next_token, page, score, search, tokens

_ABOUT_AN_INDEX: Final = (
    count.router,
    next_token.router,
    score.router,
    find.router,
    search.router,
    documents.router,
    documents.batch_router,
    comparison.router,
    tokens.router,
)

_queries = APIRouter(prefix="/v1/indexes/{name}")
for _router in _ABOUT_AN_INDEX:
    _queries.include_router(_router)

ROUTERS: Final = (
    _queries,
    indexes.router,
    changes.router,
    changes.change_router,
    compat.router,
    admin.health_router,
    admin.router,
    page.router,
)

QUERY_ROUTES: Final = {
    route.path: route for router in _ABOUT_AN_INDEX for route in router.routes if isinstance(route, QueryRoute)
}
"""The routes of the queries, by the part of the path that follows the index's name."""

OPERATIONS: Final = sorted(
    route.operation_id or route.name
    for router in (*_ABOUT_AN_INDEX, *ROUTERS[1:])
    for route in router.routes
    if isinstance(route, APIRoute)
)
"""The ids of all operations."""

__all__ = ["OPERATIONS", "QUERY_ROUTES", "ROUTERS"]
