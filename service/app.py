"""The application: settings in, FastAPI out. Nothing is opened before it starts."""

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
from .directly import Directly
from .environment import CONFIG
from .guard import Guard
from .limits import write_into
from .observing import OTHER, Observed
from .proxies import Behind, Proxies
from .routes import OPERATIONS, QUESTIONS, ROUTERS
from .runtime import Runtime, Worker
from .settings import Settings, settings_from

CORS: Final[dict[str, Any]] = {
    "allow_methods": ["GET", "POST"],
    "allow_headers": ["Authorization", "Content-Type", "Infgram-Partial", "X-API-Key", "X-Request-Id"],
    "expose_headers": ["Infgram-Missing-Shards", "Retry-After", "X-Request-Id"],
}

DESCRIPTION = """Exact counts, next tokens, ∞-gram probabilities and documents of a corpus, for text of any length.

A body gives either `query` (text) or `token_ids`. Every question has a `/batch` form, where a question that fails
has its problem in its place. Errors are problem documents (RFC 9457) with a stable `code`. Bodies are read strictly:
unknown fields, numbers written as text, integers with a decimal point and keys that stand twice are refused.
`GET /v1/indexes` states the limits. Counts are JSON integers and exact, beyond 2^53 as well, where a reader keeps
integers whole.

With `Accept: application/x-ndjson` an answer comes as lines of JSON while it is made, and may be longer: of a batch,
its results; else the answer without its `rows`, `documents` or `locations`, then these. The last line is
`{"end": {"n_lines": 7}}`; a line `{"problem": …}` ends it early.

An index that is spread over machines answers 503 while one of its shards cannot be reached. With the header
`Infgram-Partial: true` it answers from the others, and the header `Infgram-Missing-Shards` numbers those left out.

`POST /` answers as the public infini-gram API does."""


def create_app(settings: Settings | None = None, worker: Worker | None = None) -> FastAPI:
    """The service as an ASGI application.

    Args:
        settings: None reads them from the environment, and from the file that INFGRAM_CONFIG names.
        worker: which process this is of several that serve together; None is one alone.

    Returns:
        The application; its lifespan opens each index once and closes it in the end.
    """
    settings = settings or settings_from(Path(os.environ[CONFIG]) if os.environ.get(CONFIG) else None)
    app = FastAPI(
        title="infgram",
        summary="Exact ∞-gram statistics of a corpus",
        description=DESCRIPTION,
        version=infgram.__version__,
        lifespan=_lifespan,
        openapi_url=None,  # made on the event loop, it would hold up all others; see routes/page.py
        docs_url=None,  # FastAPI's pages load their scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        responses=problems.refusals(500),
    )
    app.state.settings, app.state.worker = settings, worker or Worker()
    app.add_middleware(Directly, questions=QUESTIONS)
    app.add_middleware(Guard)
    if settings.cors_origins:
        app.add_middleware(CORSMiddleware, **CORS, allow_origins=settings.cors_origins)
    app.add_middleware(Observed)
    app.add_middleware(Behind, proxies=Proxies(settings.trusted_proxies))
    problems.add_handlers(app)
    for router in ROUTERS:
        app.include_router(router)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.runtime = Runtime(app.state.settings, [*OPERATIONS, OTHER], app.state.worker)
    for route in app.routes:  # FastAPI makes ready what it routes by at the first request, which would hold up others
        route.matches({"type": "http", "method": "GET", "path": "/", "root_path": "", "headers": []})
    try:
        yield
    finally:
        app.state.runtime.close()


def _openapi(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document, with the numbers of this server's limits."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title, version=app.version, summary=app.summary, description=app.description, routes=app.routes
        )
        app.openapi_schema = write_into(document, app.state.settings.limits)
    return app.openapi_schema
