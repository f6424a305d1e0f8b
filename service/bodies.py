"""Reading a body: its size, its media type and its JSON are checked before any schema sees it.

Stricter than Python's JSON reader, since a question must have one meaning: `NaN` and `Infinity`, a key that
stands twice, and any encoding but UTF-8 are refused.
"""

from __future__ import annotations

import json
from email.message import Message
from typing import Any, Final

from fastapi import Request
from starlette.requests import ClientDisconnect

from .problems import ProblemError


async def read_json(request: Request, most_bytes: int) -> Any:
    """The value of a request's body.

    Raises:
        ProblemError: it is no JSON by its header, too large, empty, or not JSON as we take it.
    """
    _check_headers(request)
    body = await _read_at_most(request, most_bytes)
    if not body:
        raise ProblemError("invalid_json", "The body is empty; expected a JSON object.")
    return parse(body)


def parse(body: bytes) -> Any:
    """The value of a JSON text.

    Raises:
        ProblemError: not UTF-8, not JSON, too deep, a number too long, a constant that JSON has not, a key twice.
    """
    try:
        return _DECODER.decode(body.decode("utf-8"))
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


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_no_constant)


def _check_headers(request: Request) -> None:
    headers = request.headers
    if headers.get("content-type") != "application/json":
        message = Message()
        message["content-type"] = headers.get("content-type", "")
        is_json = message.get_content_type() == "application/json"
        if not is_json or message.get_content_charset("utf-8") != "utf-8":
            raise ProblemError("unsupported_media_type")
    if headers.get("content-encoding", "identity") != "identity":
        raise ProblemError("unsupported_media_type")


async def _read_at_most(request: Request, n_bytes: int) -> bytes:
    too_large = f"The body is too large; expected at most {n_bytes} bytes."
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and (len(announced) >= 20 or int(announced) > n_bytes):
        raise ProblemError("body_too_large", too_large)
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > n_bytes:
                raise ProblemError("body_too_large", too_large)
    except ClientDisconnect as error:
        raise ProblemError("client_gone") from error
    return bytes(body)
