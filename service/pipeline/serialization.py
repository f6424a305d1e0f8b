"""Serialize an answer: as one JSON object, or as JSON lines (NDJSON) that are sent while they are computed.

The lines of a batch are its results. The first line of any other answer is the answer without its long list (`rows`,
`documents` or `locations`); the elements of the list follow, one per line. The last line is `{"end": {"n_lines": …}}`.
An error on the way is a last line `{"problem": …}` instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import islice
from typing import Any, Final

import orjson
from fastapi.responses import Response
from pydantic import BaseModel
from starlette.types import Receive, Scope, Send

import infgram

from ..problems import ProblemError, of_library
from ..schemas.batch import Results
from ..schemas.responses import LONG_LISTS

MEDIA_TYPE: Final = "application/x-ndjson"
NAMES: Final = frozenset({MEDIA_TYPE, "application/jsonl", "application/ndjson"})
CHUNK_BYTES: Final = 1 << 16
CHUNK_LENGTH: Final = 1 << 16
"""Characters or numbers of a long field that are encoded in one call."""
MAX_ENTRIES: Final = 4096
"""Entries of an object that are encoded in one call."""
_LONG_FIELDS: Final = {"documents": 4, "spans": 4, "text": CHUNK_LENGTH, "token_ids": CHUNK_LENGTH}
"""Fields that may be long, and the length up to which they are encoded together with the other fields."""


def wants_lines(accept: str) -> bool:
    """Return whether an Accept header names a media type of JSON lines."""
    if accept in ("*/*", "application/json", ""):
        return False
    return any(part.partition(";")[0].strip().lower() in NAMES for part in accept.split(","))


def json_response(chunks: list[bytes], headers: Mapping[str, str] | None = None) -> Response:
    """Return the response with a JSON answer."""
    if len(chunks) == 1:
        return Response(chunks[0], headers=headers, media_type="application/json")
    return _ChunkedResponse(chunks, headers)


class _ChunkedResponse(Response):
    """A JSON answer that is sent in chunks, each of which is freed once it is sent."""

    media_type = "application/json"

    def __init__(self, chunks: list[bytes], headers: Mapping[str, str] | None = None) -> None:
        self._last, *self._others = reversed(chunks)
        super().__init__(self._last, headers={**(headers or {}), "content-length": str(sum(map(len, chunks)))})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        while self._others:
            await send({"type": "http.response.body", "body": self._others.pop(), "more_body": True})
        await send({"type": "http.response.body", "body": self._last})


def to_json(answer: BaseModel | Results[Any]) -> list[bytes]:
    """Return the answer as one JSON object, in chunks: copying a long one at once would hold the interpreter's lock."""
    if not isinstance(answer, Results):
        return _grouped(_json(answer))
    parts = [b'{"results":[']
    for number, each in enumerate(answer):
        parts += [b","] * (number > 0)
        parts += _json(each)
    return _grouped([*parts, b"]}"])


def to_json_object(fields: Mapping[str, Any]) -> list[bytes]:
    """Return a mapping as one JSON object, in chunks; large objects inside are encoded in parts."""
    parts: list[bytes] = []
    for name, value in fields.items():
        parts += (b",", orjson.dumps(name), b":")
        if isinstance(value, dict) and len(value) > MAX_ENTRIES:
            parts += _entries(value)
        else:
            parts.append(orjson.dumps(value))
    return _grouped([b"{", *parts[1:], b"}"])


def to_json_lines(compute: Callable[[], BaseModel | Results[Any]]) -> Iterator[bytes]:
    """Yield the answer as chunks of JSON lines; no chunk is empty.

    Raises:
        ProblemError, InfgramError: before the first chunk. Later errors become the last line.
    """
    lines, chunk, n_lines = _lines(compute()), bytearray(), 0
    is_first = True
    while True:
        try:
            line = next(lines, None)
        except (ProblemError, infgram.InfgramError) as error:
            if is_first:
                raise
            problem = error if isinstance(error, ProblemError) else of_library(error)
            yield bytes(chunk) + orjson.dumps({"problem": problem.problem.model_dump()}) + b"\n"
            return
        if line is None:
            yield bytes(chunk) + orjson.dumps({"end": {"n_lines": n_lines}}) + b"\n"
            return
        n_lines += 1
        for part in (*line, b"\n"):
            chunk += part
            if len(chunk) >= CHUNK_BYTES:
                yield bytes(chunk)
                is_first = False
                chunk.clear()


def _lines(answer: BaseModel | Results[Any]) -> Iterator[list[bytes]]:
    if isinstance(answer, Results):
        yield from map(_json, answer)
        return
    name = next((name for name in LONG_LISTS if hasattr(answer, name)), None)
    yield _json(answer, {name} if name else None)
    elements: Iterable[BaseModel] = getattr(answer, name) if name else ()
    yield from map(_json, elements)


def _json(model: BaseModel, exclude: set[str] | None = None) -> list[bytes]:
    """Return the JSON of a model without some fields, in parts; each is made in one call, which holds the lock."""
    serializer = model.__pydantic_serializer__
    long = [name for name in _long_fields(type(model)) if len(getattr(model, name)) > _LONG_FIELDS[name]]
    if not long:
        return [serializer.to_json(model, exclude=exclude)]
    left_out = exclude or set()
    long = [name for name in long if name not in left_out]
    parts = [serializer.to_json(model, exclude={*long, *left_out}).removesuffix(b"}")]
    for name in long:
        parts += [
            b"," * (len(parts[0]) > 1 or len(parts) > 1),
            b'"%b":' % name.encode(),
            *_in_parts(getattr(model, name)),
        ]
    return [*parts, b"}"]


def _in_parts(value: Sequence[Any]) -> list[bytes]:
    if isinstance(value, str):
        return [
            b'"',
            *(orjson.dumps(value[start : start + CHUNK_LENGTH])[1:-1] for start in range(0, len(value), CHUNK_LENGTH)),
            b'"',
        ]
    parts: list[bytes] = []
    if isinstance(value[0], BaseModel):
        for each in value:
            parts += (b",", *_json(each))
    else:
        for start in range(0, len(value), CHUNK_LENGTH):
            parts += (b",", orjson.dumps(value[start : start + CHUNK_LENGTH])[1:-1])
    return [b"[", *parts[1:], b"]"]


def _entries(value: dict[str, Any]) -> list[bytes]:
    entries, parts = iter(value.items()), [b"{"]
    while chunk := dict(islice(entries, MAX_ENTRIES)):
        parts += [b","] * (len(parts) > 1)
        parts.append(orjson.dumps(chunk)[1:-1])
    return [*parts, b"}"]


def _grouped(parts: list[bytes]) -> list[bytes]:
    """Join short parts to chunks."""
    if len(parts) == 1:
        return parts
    groups: list[bytes] = []
    first = size = 0
    for number, part in enumerate(parts, 1):
        size += len(part)
        if size >= CHUNK_BYTES or number == len(parts):
            groups.append(b"".join(parts[first:number]))
            first, size = number, 0
    return groups


@cache
def _long_fields(model_type: type[BaseModel]) -> tuple[str, ...]:
    return tuple(name for name in _LONG_FIELDS if name in model_type.model_fields)
