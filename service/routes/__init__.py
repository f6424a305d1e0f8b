"""The routes: one file a resource."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.routing import APIRoute

from ..answering import QuestionRoute
from ..compat import route as compat
from . import (
    admin,
    count,
    document_batch,
    document_count,
    documents,
    find,
    health,
    indexes,
    infgram,
    interpolated,
    locate,
    longest_matches,
    longest_suffix,
    metrics,
    next_token,
    novelty,
    overlap,
    page,
    prob,
    score,
    search,
    search_text,
    tokenize,
    trace,
)

_RESOURCES = (
    count,
    infgram,
    next_token,
    interpolated,
    prob,
    longest_suffix,
    longest_matches,
    score,
    find,
    locate,
    search,
    search_text,
    documents,
    document_batch,
    document_count,
    trace,
    novelty,
    overlap,
    tokenize,
)

questions = APIRouter(prefix="/v1/indexes/{name}")
for _resource in _RESOURCES:
    questions.include_router(_resource.router)

ROUTERS = (
    questions,
    indexes.router,
    compat.router,
    health.router,
    metrics.router,
    admin.router,
    page.router,
)

QUESTIONS = {
    route.path: route for resource in _RESOURCES for route in resource.router.routes if isinstance(route, QuestionRoute)
}
"""The routes of the questions, by what follows the index's name in the address."""

OPERATIONS = sorted(
    route.operation_id or route.name
    for router in (*(resource.router for resource in _RESOURCES), *ROUTERS[1:])
    for route in router.routes
    if isinstance(route, APIRoute)
)
"""The names of all operations."""

__all__ = ["OPERATIONS", "QUESTIONS", "ROUTERS"]
