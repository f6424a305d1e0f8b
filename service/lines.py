"""An answer as bytes: one JSON object, or lines of JSON (NDJSON) that are sent as they are made.

The lines of a batch are its results. The first line of any other answer is the answer without its list (`rows`,
`documents`, `locations`), which follows, an element a line. The last line is `{"end": {"n_lines": …}}`; a problem
on the way is a line `{"problem": …}`, and then there is no end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
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
_DIVISIBLE: Final = {"documents": 4, "spans": 4, "text": PIECE, "token_ids": PIECE}
"""Fields that may be long, and up to which length they are encoded with the rest."""


def are_wanted(accept: str) -> bool:
    """Whether an Accept header names a media type of JSON lines."""
    if accept in ("*/*", "application/json", ""):
        return False
    return any(part.partition(";")[0].strip().lower() in NAMES for part in accept.split(","))


def whole(answer: BaseModel | Results[Any]) -> bytes:
    """The answer as one JSON object."""
    if isinstance(answer, Results):
        return b'{"results":[' + b",".join(_json(each) for each in answer) + b"]}"
    return _json(answer)


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
        piece += line + b"\n"
        n_lines += 1
        if len(piece) >= PIECE_BYTES:
            yield bytes(piece)
            is_first = False
            piece.clear()


def _lines(answer: BaseModel | Results[Any]) -> Iterator[bytes]:
    if isinstance(answer, Results):
        yield from map(_json, answer)
        return
    name = next((name for name in LONG_LISTS if hasattr(answer, name)), None)
    yield _json(answer, {name} if name else None)
    elements: Iterable[BaseModel] = getattr(answer, name) if name else ()
    yield from map(_json, elements)


def _json(model: BaseModel, exclude: set[str] | None = None) -> bytes:
    """The JSON of a model without some fields. What may be long is encoded in pieces: each holds the interpreter's lock."""
    serializer = model.__pydantic_serializer__
    left_out = exclude or set()
    names = (name for name in _divisible(type(model)) if name not in left_out)
    long = [name for name in names if len(getattr(model, name)) > _DIVISIBLE[name]]
    if not long:
        return serializer.to_json(model, exclude=exclude)
    head = serializer.to_json(model, exclude={*long, *left_out}).removesuffix(b"}")
    fields = [b'"%b":%b' % (name.encode(), _in_pieces(getattr(model, name))) for name in long]
    return head + b"," * (len(head) > 1) + b",".join(fields) + b"}"


def _in_pieces(value: str | Sequence[Any]) -> bytes:
    if not isinstance(value, str) and isinstance(value[0], BaseModel):
        return b"[%b]" % b",".join(map(_json, value))
    pieces = (orjson.dumps(value[start : start + PIECE]) for start in range(0, len(value), PIECE))
    if isinstance(value, str):
        return b'"%b"' % b"".join(piece[1:-1] for piece in pieces)
    return b"[%b]" % b",".join(piece[1:-1] for piece in pieces)


@cache
def _divisible(model_type: type[BaseModel]) -> tuple[str, ...]:
    return tuple(name for name in _DIVISIBLE if name in model_type.model_fields)
