"""Create the FastAPI application from settings. Nothing is opened before the application starts."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.openapi.utils import get_openapi

import infgram

from . import problems
from .environment import CONFIG
from .mcp.route import router as mcp_router
from .mcp.tools import TOOLS
from .middleware.auth import AuthMiddleware
from .middleware.observability import OTHER, ObservabilityMiddleware
from .middleware.proxies import Proxies
from .pipeline.dispatch import DispatchMiddleware
from .routes import OPERATIONS, QUERY_ROUTES, ROUTERS
from .runtime import Worker, running
from .schemas.fields import fill_in_limits
from .settings import Settings, settings_from

CORS: Final[dict[str, Any]] = {
    "allow_methods": ["GET", "POST", "DELETE"],
    "allow_headers": [
        *("Authorization", "Content-Type", "Infgram-Partial", "X-API-Key", "X-Request-Id"),
        *("Mcp-Method", "Mcp-Name", "Mcp-Protocol-Version", "Mcp-Session-Id"),
    ],
    "expose_headers": ["Infgram-Missing-Shards", "Location", "Retry-After", "X-Request-Id"],
}

ALL_OPERATIONS: Final = [*OPERATIONS, "mcp", *(tool.operation_id for tool in TOOLS.values()), OTHER]
"""The ids of all operations, and of the tools for programs, which the metrics count."""

DESCRIPTION = """Exact counts, next tokens, ∞-gram probabilities and documents of a corpus, for text of any length.

A body contains either `query` (text) or `token_ids`. Every query has a `/batch` form, in which the problem of a
query that fails takes the place of its answer. Errors are problem documents (RFC 9457) with a stable `code`. Bodies
are validated strictly: unknown fields, numbers in quotation marks, integers with a decimal point and duplicate keys are
refused. `GET /v1/indexes` returns the limits. Counts are exact JSON integers, also beyond 2^53.

With `Accept: application/x-ndjson` the answer is sent as JSON lines while it is computed, and may be longer. The lines
of a batch are its results. The first line of any other answer is the answer without its `rows`, `documents` or
`locations`; their elements follow. The last line is `{"end": {"n_lines": 7}}`, or `{"problem": …}` after an error.

An index that is spread over machines answers 503 while one of its shards is unavailable. With the header
`Infgram-Partial: true` it answers from the other shards; the header `Infgram-Missing-Shards` numbers the missing ones.

Changes of an index (`POST` and `DELETE` of its documents) require a key that may write. They answer 202 with a job,
which runs afterwards, while queries go on; the new state is served within a few seconds after the job has succeeded.

`POST /` is compatible with the public infini-gram API."""


def create_app(settings: Settings | None = None, worker: Worker | None = None) -> FastAPI:
    """Return the service as an ASGI application.

    Args:
        settings: None reads them from the environment, and from the file that INFGRAM_CONFIG names.
        worker: this process among several that share an address; None if it is the only one.

    Returns:
        The application. Its lifespan opens each index once and closes it at the end.
    """
    settings = settings or settings_from(Path(os.environ[CONFIG]) if os.environ.get(CONFIG) else None)
    app = FastAPI(
        title="infgram",
        summary="Exact ∞-gram statistics of a corpus",
        description=DESCRIPTION,
        version=infgram.__version__,
        lifespan=_lifespan,
        openapi_url=None,  # FastAPI would block the event loop to compute it; see routes/page.py
        docs_url=None,  # FastAPI's pages load scripts from other hosts
        redoc_url=None,
        redirect_slashes=False,
        responses=problems.refusals(500),
    )
    app.state.settings, app.state.worker = settings, worker or Worker()
    app.add_middleware(DispatchMiddleware, routes=QUERY_ROUTES)
    app.add_middleware(AuthMiddleware)
    if settings.cors_origins:
        app.add_middleware(CORSMiddleware, **CORS, allow_origins=settings.cors_origins)
    app.add_middleware(ObservabilityMiddleware, proxies=Proxies(settings.trusted_proxies))
    problems.add_handlers(app)
    for router in (*ROUTERS, mcp_router):
        app.include_router(router)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with running(app.state.settings, ALL_OPERATIONS, app.state.worker) as app.state.runtime:
        for route in app.routes:  # FastAPI compiles its routes at the first request, which would block the event loop
            route.matches({"type": "http", "method": "GET", "path": "/", "root_path": "", "headers": []})
        yield


def _openapi(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document with the limits of this server."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title, version=app.version, summary=app.summary, description=app.description, routes=app.routes
        )
        app.openapi_schema = fill_in_limits(document, app.state.settings.limits)
    return app.openapi_schema
