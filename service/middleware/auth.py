"""Check API keys and request rates."""

from __future__ import annotations

from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from ..assets import wants_html
from ..problems import ProblemError, respond
from ..runtime import Runtime
from .api_keys import Key

HEALTH: Final = frozenset({"/healthz", "/readyz"})
ADMIN: Final = "/v1/admin/"
MAX_HEADER_BYTES: Final = 16_384
"""Limit on the headers and the path together. uvicorn has none, and parsing takes time for each byte."""


class AuthMiddleware:
    """ASGI middleware that refuses requests without a valid key, or beyond the rate of the key or client.

    Liveness and readiness need no key. Nor does the web page: it is the same for everybody, and prompts for the key.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "http":
            try:
                _check_size(scope)
                if scope["path"] not in HEALTH:
                    _check(scope)
            except ProblemError as error:
                await respond(error)(scope, receive, send)
                return
        await self.app(scope, receive, send)


def _check_size(scope: Scope) -> None:
    """Refuse a request with too large headers.

    Raises:
        ProblemError: headers and path exceed `MAX_HEADER_BYTES`.
    """
    size = len(scope["path"]) + len(scope["query_string"])
    for name, value in scope["headers"]:
        size += len(name) + len(value)
    if size > MAX_HEADER_BYTES:
        raise ProblemError("headers_too_large")


def _check(scope: Scope) -> None:
    """Check the key and the rate of a request.

    Raises:
        ProblemError: the key is missing, unknown or not allowed to do this, or the rate is exceeded.
    """
    runtime: Runtime = scope["app"].state.runtime
    if runtime.keys is None and runtime.settings.requests_per_s is None:
        return
    headers = Headers(scope=scope)
    if _is_page(scope, headers):
        return
    key = None
    if runtime.keys is not None:
        key = runtime.keys.find(_key_of(headers))
        if key is None:
            raise ProblemError("unauthorized", headers={"WWW-Authenticate": "Bearer"})
        scope["infgram.key"], scope["infgram.may_write"] = key.name, key.may_write
        if scope["path"].startswith(ADMIN) and not key.is_admin:
            raise ProblemError("forbidden")
    _check_rate(scope, runtime, key)


def _check_rate(scope: Scope, runtime: Runtime, key: Key | None) -> None:
    key_rate = key.requests_per_s if key else None
    requests_per_s = key_rate or runtime.settings.requests_per_s
    if requests_per_s is None:
        return
    client = f"key {key.name}" if key else f"client {(scope.get('client') or ('',))[0]}"
    wait_s = runtime.rates.wait_s(client, requests_per_s / runtime.settings.workers)
    if wait_s:
        raise ProblemError("rate_limited", headers={"Retry-After": str(wait_s)})


def _is_page(scope: Scope, headers: Headers) -> bool:
    is_root = scope["path"] == "/" and wants_html(headers.get("accept", ""))
    return scope["method"] in ("GET", "HEAD") and (is_root or scope["path"].startswith("/web/"))


def _key_of(headers: Headers) -> str:
    scheme, _, key = headers.get("authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "")
