"""Read the body of a request: check its size, media type and JSON, then validate it against its model.

Stricter than Python's JSON reader, so that a body has one meaning only: `NaN`, `Infinity`, duplicate keys and encodings
other than UTF-8 are refused.

Decoding and validation hold the interpreter's lock on whichever thread they run. So a body with too many values is
refused before it is decoded, and only small bodies are decoded on the event loop.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from email.message import Message
from functools import partial
from typing import Any, Final, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect

from ..problems import FieldError, ProblemError, invalid_body
from ..runtime import runtime_of
from ..schemas.batch import Batch
from ..schemas.fields import check_sizes
from ..schemas.requests import CountsRequest
from ..settings import Limits

M = TypeVar("M", bound=BaseModel)

SMALL_BYTES: Final = 4096
"""A body up to this size is decoded and validated on the event loop, in less than a millisecond; others on a thread."""

BATCHES: Final = (Batch, CountsRequest)
"""Bodies of many questions. They are validated on a thread, however short they are: each question takes time."""

LARGE_BYTES: Final = 1 << 17
"""The numbers in a body up to this size are decoded within a few milliseconds."""

MAX_FIELDS: Final = 64
"""Fields of one object. No question has as many."""

CONTAINER_VALUES: Final = 10
"""A list or an object counts as this many values, since decoding and garbage collection take that much longer."""


async def read_model(request: Request, body_type: type[M], limits: Limits) -> M:
    """Return the body of a request as a model.

    Raises:
        ProblemError: the body is too large, not JSON, or does not fit the model.
    """
    body = await read_body(request, limits.body_bytes)
    if len(body) <= SMALL_BYTES and not issubclass(body_type, BATCHES):
        return _validate(body, body_type, limits)
    return await runtime_of(request).on_reader(partial(_validate, body, body_type, limits))


def _validate(body: bytes, body_type: type[M], limits: Limits) -> M:
    value = parse(body, limits)
    if len(body) > SMALL_BYTES:
        check_sizes(value, body_type, limits)  # the route's function checks those of a small body, after validation
    try:
        return body_type.model_validate(value)
    except ValidationError as error:
        raise invalid_body(error) from None


async def read_body(request: Request, max_bytes: int) -> bytes:
    """Return the bytes of a request's body.

    Raises:
        ProblemError: the headers do not say JSON, or the body is too large or empty.
    """
    _check_headers(request)
    body = await _read_at_most(request, max_bytes)
    if not body:
        raise ProblemError("invalid_json", "The body is empty; expected a JSON object.")
    return body


def parse(body: bytes, limits: Limits) -> Any:
    """Decode a JSON text.

    Raises:
        ProblemError: it is not UTF-8 or not JSON, is nested too deeply, has too many values or fields, too long a
            number, a constant such as NaN, or a duplicate key.
    """
    if len(body) > SMALL_BYTES:
        _check_values(body, limits.body_values)
    try:
        decoder = _DECODER if len(body) <= LARGE_BYTES else _YIELDING_DECODER
        return decoder.decode(body.decode("utf-8"))
    except RecursionError as error:
        raise ProblemError("invalid_json", "The body is nested too deeply.") from error
    except ValueError as error:  # JSONDecodeError, UnicodeDecodeError, an integer of thousands of digits
        raise ProblemError("invalid_json") from error


def _check_values(body: bytes, most: int) -> None:
    """Refuse a body with too many values, judged by its commas and brackets outside strings."""
    if _weight(body) > most and _weight(b"".join(_outside_texts(body))) > most:
        error = FieldError(loc=["body"], type="limit_exceeded", msg=f"Expected at most {most} values")
        raise ProblemError("limit_exceeded", errors=[error])


def _weight(body: bytes) -> int:
    return body.count(b",") + CONTAINER_VALUES * (body.count(b"[") + body.count(b"{"))


def _outside_texts(body: bytes) -> Iterator[bytes]:
    """Yield the pieces between strings, one by one, so that other threads can run in between."""
    begin = 0
    for text in _TEXT.finditer(body):
        yield body[begin : text.start()]
        begin = text.end()
    yield body[begin:]


_TEXT: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)', re.DOTALL)
"""A string, or the rest of the body after an unclosed quotation mark. Linear time: no byte is matched twice."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) > MAX_FIELDS:
        error = FieldError(loc=["body"], type="too_many_fields", msg=f"Expected at most {MAX_FIELDS} fields per object")
        raise ProblemError("invalid_request", errors=[error])
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ProblemError("invalid_json", "An object in the body has a duplicate key.")
    return value


def _refuse_constant(_: str) -> None:
    raise ProblemError("invalid_json", "NaN and Infinity are not valid JSON.")


def _int(digits: str) -> int:
    return int(digits)


def _float(digits: str) -> float:
    return float(digits)


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_refuse_constant)
_YIELDING_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_constant=_refuse_constant, parse_int=_int, parse_float=_float
)
"""Decodes numbers in Python, so that other threads can run in between; several times slower."""


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
