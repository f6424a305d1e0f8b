"""The application: settings in, FastAPI out. Nothing is opened before it starts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio.to_thread
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

import infgram

from . import problems
from .headers import SafeHeaders
from .indexes import opened
from .limits import write_into
from .routes import ROUTERS
from .settings import Settings
from .slots import Slots

DESCRIPTION = """Exact counts, next tokens, ∞-gram probabilities and documents of a corpus, for text of any length.

A body gives either `query` (text) or `token_ids`. Every question has a `/batch` form, where a question that fails
has its problem in its place. Errors are problem documents (RFC 9457) with a stable `code`. Bodies are read strictly:
unknown fields, numbers written as text, integers with a decimal point and keys that stand twice are refused.
`GET /v1/indexes` states the limits."""


def create_app(settings: Settings | None = None) -> FastAPI:
    """The service as an ASGI application.

    Args:
        settings: None reads them from the environment.

    Returns:
        The application; its lifespan opens each index once and closes it in the end.
    """
    settings = settings or Settings()
    app = FastAPI(
        title="infgram",
        summary="Exact ∞-gram statistics of a corpus",
        description=DESCRIPTION,
        version=infgram.__version__,
        lifespan=_lifespan,
        docs_url=None,  # FastAPI's pages load their scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        responses=problems.refusals(500),
    )
    app.state.settings = settings
    app.add_middleware(SafeHeaders)
    problems.add_handlers(app)
    for router in ROUTERS:
        app.include_router(router)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    settings: Settings = app.state.settings
    threads = anyio.to_thread.current_default_thread_limiter()
    threads.total_tokens = max(threads.total_tokens, settings.max_concurrency)
    app.state.slots = Slots(settings.max_concurrency, settings.max_waiting)
    with opened(settings.indexes) as app.state.indexes:
        yield


def _openapi(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document, with the numbers of this server's limits."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title, version=app.version, summary=app.summary, description=app.description, routes=app.routes
        )
        app.openapi_schema = write_into(document, app.state.settings.limits)
    return app.openapi_schema
