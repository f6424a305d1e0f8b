"""An answer as bytes: one JSON object, or lines of JSON (NDJSON) that are sent as they are made.

The lines of a batch are its results. The first line of any other answer is the answer without its list (`rows`,
`documents`, `locations`), which follows, an element a line. The last line is `{"end": {"n_lines": …}}`; a problem
on the way is a line `{"problem": …}`, and then there is no end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
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
    yield orjson.dumps(answer.model_dump(exclude={name} if name else None))
    elements: Iterable[BaseModel] = getattr(answer, name) if name else ()
    yield from map(_json, elements)


def _json(model: BaseModel) -> bytes:
    return model.__pydantic_serializer__.to_json(model)
