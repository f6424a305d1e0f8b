"""Reading a body: its size, its media type and its JSON are checked before any schema sees it.

Stricter than Python's JSON reader, since a question must have one meaning: `NaN` and `Infinity`, a key that
stands twice, and any encoding but UTF-8 are refused.

Decoding and validation hold the interpreter's lock, on whichever thread they run. So a body is refused by the number of
its values before it is decoded, and only a small one is decoded on the event loop.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from email.message import Message
from typing import Any, Final

from fastapi import Request
from starlette.requests import ClientDisconnect

from .problems import FieldError, ProblemError
from .settings import Limits

SMALL_BYTES: Final = 4096
"""A body up to this size is decoded and validated on the event loop, in less than a millisecond; others on a thread."""

LARGE_BYTES: Final = 1 << 17
"""A body of this size can hold as many and as long numbers as are decoded in a few milliseconds."""

MOST_FIELDS: Final = 64
"""Fields of one object; no question has as many."""

CONTAINER_VALUES: Final = 10
"""A list or an object counts as this many values: it takes that much more time, garbage collection included."""


async def read_body(request: Request, most_bytes: int) -> bytes:
    """The bytes of a request's body.

    Raises:
        ProblemError: it is no JSON by its header, too large, or empty.
    """
    _check_headers(request)
    body = await _read_at_most(request, most_bytes)
    if not body:
        raise ProblemError("invalid_json", "The body is empty; expected a JSON object.")
    return body


def parse(body: bytes, limits: Limits) -> Any:
    """The value of a JSON text.

    Raises:
        ProblemError: not UTF-8, not JSON, too deep, too many values or fields, a number too long, a constant that
            JSON has not, a key twice.
    """
    if len(body) > SMALL_BYTES:
        _check_values(body, limits.body_values)
    try:
        decoder = _DECODER if len(body) <= LARGE_BYTES else _PATIENT_DECODER
        return decoder.decode(body.decode("utf-8"))
    except RecursionError as error:
        raise ProblemError("invalid_json", "The body is nested too deeply.") from error
    except ValueError as error:  # JSONDecodeError, UnicodeDecodeError, an integer of thousands of digits
        raise ProblemError("invalid_json") from error


def _check_values(body: bytes, most: int) -> None:
    """Refuse a body of too many values, by its commas and brackets; those inside texts are left out only if needed."""
    if _weight(body) > most and _weight(b"".join(_outside_texts(body))) > most:
        error = FieldError(loc=["body"], type="limit_exceeded", msg=f"Expected at most {most} values")
        raise ProblemError("limit_exceeded", errors=[error])


def _weight(body: bytes) -> int:
    return body.count(b",") + CONTAINER_VALUES * (body.count(b"[") + body.count(b"{"))


def _outside_texts(body: bytes) -> Iterator[bytes]:
    """The pieces between the texts, found one by one, so that other threads have their turn."""
    begin = 0
    for text in _TEXT.finditer(body):
        yield body[begin : text.start()]
        begin = text.end()
    yield body[begin:]


_TEXT: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)', re.DOTALL)
"""A text, or the rest of the body after a quotation mark that nothing closes: no place is looked at twice."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) > MOST_FIELDS:
        error = FieldError(loc=["body"], type="too_many_fields", msg=f"Expected at most {MOST_FIELDS} fields an object")
        raise ProblemError("invalid_request", errors=[error])
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ProblemError("invalid_json", "An object of the body has the same key twice.")
    return value


def _no_constant(_: str) -> None:
    raise ProblemError("invalid_json", "NaN and Infinity are no JSON.")


def _int(digits: str) -> int:
    return int(digits)


def _float(digits: str) -> float:
    return float(digits)


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_no_constant)
_PATIENT_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_constant=_no_constant, parse_int=_int, parse_float=_float
)
"""Reads numbers in Python, so that other threads have their turn; several times slower."""


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
