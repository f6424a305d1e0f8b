"""The route of the Model Context Protocol (streamable HTTP)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

from fastapi import APIRouter, Request
from fastapi.responses import Response

import infgram

from ..pipeline.body import SMALL_BYTES, parse, read_body
from ..problems import ProblemError
from ..runtime import runtime_of
from . import import_server

router = APIRouter()


@router.post("/mcp", operation_id="mcp", include_in_schema=False)
async def mcp(request: Request) -> Response:
    """Answer one message of the protocol. There are no sessions, so that any worker can answer it."""
    runtime = runtime_of(request)
    limits = runtime.settings.limits
    _check_origin(request.headers.get("origin"), runtime.settings.cors_origins)
    body = await read_body(request, limits.body_bytes)
    check = partial(parse, body, limits)  # the SDK parses it again, without limits
    _ = check() if len(body) <= SMALL_BYTES else await runtime.on_reader(check)
    try:
        server = await asyncio.to_thread(import_server)
    except infgram.MissingExtraError as error:
        raise ProblemError("no_mcp") from error
    response: Response = server.HttpExchange(runtime, body)
    return response


def _check_origin(origin: str | None, allowed: Sequence[str]) -> None:
    """Refuse web pages of other origins, as the protocol demands: a page could reach a service on this machine.

    Raises:
        ProblemError: the request comes from a page whose origin may not send requests.
    """
    if origin is not None and not {"*", origin}.intersection(allowed):
        raise ProblemError("forbidden", "Web pages of this origin may not send requests; see --cors-origin.")
