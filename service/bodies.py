"""Reading a body: its size, its media type and its JSON are checked before any schema sees it.

Stricter than Python's JSON reader, since a question must have one meaning: `NaN` and `Infinity`, a key that
stands twice, and any encoding but UTF-8 are refused.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from email.message import Message
from typing import Any

from fastapi import Request
from fastapi.responses import Response
from fastapi.routing import APIRoute

from .problems import ProblemError
from .settings import Limits


class JsonRequest(Request):
    """A request whose body is one JSON value."""

    _read: bytes | None = None

    async def body(self) -> bytes:
        """The body.

        Raises:
            ProblemError: it is no JSON by its header, too large, or empty.
        """
        if self._read is None:
            _check_headers(self)
            limits: Limits = self.app.state.settings.limits
            self._read = await _read_at_most(self, limits.body_bytes)
            if not self._read:
                raise ProblemError("invalid_json", "The body is empty; expected a JSON object.")
        return self._read

    async def json(self) -> Any:
        """The body's value.

        Raises:
            ProblemError: it is not JSON as we take it.
        """
        return parse(await self.body())


class JsonRoute(APIRoute):
    """A route that reads its body as `JsonRequest` does."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's handler, given our request."""
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            return await handler(JsonRequest(request.scope, request.receive))

        return handle


def parse(body: bytes) -> Any:
    """The value of a JSON text.

    Raises:
        ProblemError: not UTF-8, not JSON, too deep, a number too long, a constant that JSON has not, a key twice.
    """
    try:
        return json.loads(body.decode("utf-8"), object_pairs_hook=_object, parse_constant=_no_constant)
    except RecursionError as error:
        raise ProblemError("invalid_json", "The body is nested too deeply.") from error
    except ValueError as error:  # JSONDecodeError, UnicodeDecodeError, an integer of thousands of digits
        raise ProblemError("invalid_json") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ProblemError("invalid_json", "An object of the body has the same key twice.")
    return value


def _no_constant(_: str) -> None:
    raise ProblemError("invalid_json", "NaN and Infinity are no JSON.")


def _check_headers(request: Request) -> None:
    message = Message()
    message["content-type"] = request.headers.get("content-type", "")
    is_json = message.get_content_type() == "application/json"
    is_utf8 = message.get_content_charset("utf-8") == "utf-8"
    if not is_json or not is_utf8 or request.headers.get("content-encoding", "identity") != "identity":
        raise ProblemError("unsupported_media_type")


async def _read_at_most(request: Request, n_bytes: int) -> bytes:
    too_large = ProblemError("body_too_large", f"The body is too large; expected at most {n_bytes} bytes.")
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and len(announced) < 20 and int(announced) > n_bytes:
        raise too_large
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > n_bytes:
            raise too_large
    return bytes(body)
