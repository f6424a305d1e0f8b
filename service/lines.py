"""An answer as bytes: one JSON object, or lines of JSON (NDJSON) that are sent as they are made.

The lines of a batch are its results. The first line of any other answer is the answer without its list (`rows`,
`documents`, `locations`), which follows, an element a line. The last line is `{"end": {"n_lines": …}}`; a problem
on the way is a line `{"problem": …}`, and then there is no end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import islice
from typing import Any, Final

import orjson
from pydantic import BaseModel

import infgram

from .answers import LONG_LISTS
from .batch_answers import Results
from .problems import ProblemError, of_library

MEDIA_TYPE: Final = "application/x-ndjson"
NAMES: Final = frozenset({MEDIA_TYPE, "application/jsonl", "application/ndjson"})
PIECE_BYTES: Final = 1 << 16
PIECE: Final = 1 << 16
"""Characters, or numbers, of one piece of a long field."""
MOST_ENTRIES: Final = 4096
"""Entries of an object that are encoded in one call."""
_DIVISIBLE: Final = {"documents": 4, "spans": 4, "text": PIECE, "token_ids": PIECE}
"""Fields that may be long, and up to which length they are encoded with the rest."""


def are_wanted(accept: str) -> bool:
    """Whether an Accept header names a media type of JSON lines."""
    if accept in ("*/*", "application/json", ""):
        return False
    return any(part.partition(";")[0].strip().lower() in NAMES for part in accept.split(","))


def whole(answer: BaseModel | Results[Any]) -> list[bytes]:
    """The answer as one JSON object, in pieces: to copy a long one as a whole would hold the interpreter's lock."""
    if not isinstance(answer, Results):
        return _grouped(_json(answer))
    parts = [b'{"results":[']
    for number, each in enumerate(answer):
        parts += [b","] * (number > 0)
        parts += _json(each)
    return _grouped([*parts, b"]}"])


def whole_object(fields: Mapping[str, Any]) -> list[bytes]:
    """A JSON object, in pieces; fields that are large objects are encoded in parts."""
    parts: list[bytes] = []
    for name, value in fields.items():
        parts += (b",", orjson.dumps(name), b":")
        if isinstance(value, dict) and len(value) > MOST_ENTRIES:
            parts += _entries(value)
        else:
            parts.append(orjson.dumps(value))
    return _grouped([b"{", *parts[1:], b"}"])


def pieces(make: Callable[[], BaseModel | Results[Any]]) -> Iterator[bytes]:
    """The answer as lines, some of them at a time; the first piece is never empty.

    Raises:
        ProblemError, InfgramError: before the first piece.
    """
    lines, piece, n_lines = _lines(make()), bytearray(), 0
    is_first = True
    while True:
        try:
            line = next(lines, None)
        except (ProblemError, infgram.InfgramError) as error:
            if is_first:
                raise
            problem = error if isinstance(error, ProblemError) else of_library(error)
            yield bytes(piece) + orjson.dumps({"problem": problem.problem.model_dump()}) + b"\n"
            return
        if line is None:
            yield bytes(piece) + orjson.dumps({"end": {"n_lines": n_lines}}) + b"\n"
            return
        n_lines += 1
        for part in (*line, b"\n"):
            piece += part
            if len(piece) >= PIECE_BYTES:
                yield bytes(piece)
                is_first = False
                piece.clear()


def _lines(answer: BaseModel | Results[Any]) -> Iterator[list[bytes]]:
    if isinstance(answer, Results):
        yield from map(_json, answer)
        return
    name = next((name for name in LONG_LISTS if hasattr(answer, name)), None)
    yield _json(answer, {name} if name else None)
    elements: Iterable[BaseModel] = getattr(answer, name) if name else ()
    yield from map(_json, elements)


def _json(model: BaseModel, exclude: set[str] | None = None) -> list[bytes]:
    """The JSON of a model without some fields, in parts: each is made in one call, during which no thread runs."""
    serializer = model.__pydantic_serializer__
    long = [name for name in _divisible(type(model)) if len(getattr(model, name)) > _DIVISIBLE[name]]
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
            *(orjson.dumps(value[start : start + PIECE])[1:-1] for start in range(0, len(value), PIECE)),
            b'"',
        ]
    parts: list[bytes] = []
    if isinstance(value[0], BaseModel):
        for each in value:
            parts += (b",", *_json(each))
    else:
        for start in range(0, len(value), PIECE):
            parts += (b",", orjson.dumps(value[start : start + PIECE])[1:-1])
    return [b"[", *parts[1:], b"]"]


def _entries(value: dict[str, Any]) -> list[bytes]:
    entries, parts = iter(value.items()), [b"{"]
    while chunk := dict(islice(entries, MOST_ENTRIES)):
        parts += [b","] * (len(parts) > 1)
        parts.append(orjson.dumps(chunk)[1:-1])
    return [*parts, b"}"]


def _grouped(parts: list[bytes]) -> list[bytes]:
    """The same bytes in fewer parts, of some size."""
    if len(parts) == 1:
        return parts
    groups: list[bytes] = []
    first = size = 0
    for number, part in enumerate(parts, 1):
        size += len(part)
        if size >= PIECE_BYTES or number == len(parts):
            groups.append(b"".join(parts[first:number]))
            first, size = number, 0
    return groups


@cache
def _divisible(model_type: type[BaseModel]) -> tuple[str, ...]:
    return tuple(name for name in _DIVISIBLE if name in model_type.model_fields)
