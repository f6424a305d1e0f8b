r"""JSON lines: one document a line, its text in one field, all other fields its metadata.

Stricter than Python's reader, because the metadata must come back exactly and be JSON again:

- NaN, Infinity and numbers that overflow to infinity are refused; integers of any size are exact;
- an object that has one key twice is refused, at any depth;
- lone surrogates (`"\ud800"`) are refused, since UTF-8 cannot carry them;
- objects and lists nested deeper than 200 levels are refused.

Lines end with a line feed; lines of nothing but white space are passed over; a byte order mark at the
file's beginning is tolerated.
"""

from __future__ import annotations

import codecs
import json
import math
import re
from collections.abc import Iterable, Iterator
from typing import IO, Any, Final, NoReturn

from infgram.corpus.documents import BadRecordError, Skipped, SourceDocument
from infgram.corpus.options import ReadOptions
from infgram.corpus.readers.lines import bounded_lines
from infgram.corpus.readers.text_field import json_type
from infgram.corpus.readers.text_file import not_utf8

_DEEPEST: Final = 200
_MAYBE_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def read_json_lines(content: IO[bytes], source: str, options: ReadOptions) -> Iterator[SourceDocument | Skipped]:
    """The documents of one file, and the lines that are none.

    Raises:
        UnreadableError: a line is too long.
    """
    return read_lines(bounded_lines(content, options.longest_bytes), source, options)


def read_lines(lines: Iterable[bytes], source: str, options: ReadOptions) -> Iterator[SourceDocument | Skipped]:
    """The same, of the lines of a file."""
    for number, raw in enumerate(lines, start=1):
        line = raw.removeprefix(codecs.BOM_UTF8) if number == 1 else raw
        if line.strip():
            yield read_record(line.rstrip(b"\r\n"), source, number, options)


def read_record(data: bytes, source: str, number: int, options: ReadOptions) -> SourceDocument | Skipped:
    """One document, or why there is none.

    Args:
        data: what should be a JSON object.
        source: the file's name in the corpus.
        number: of the line, or of the element.
        options: the text field.
    """
    try:
        fields = _fields(data)
        options.text_field.check_record(fields)
        text = options.text_field.take(fields)
    except BadRecordError as error:
        return Skipped(source, number, str(error))
    return SourceDocument(text, fields, source, number)


def json_object(data: bytes) -> dict[str, Any] | None:
    """Return the JSON object that data is, read leniently; None if it is none."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _fields(line: bytes) -> dict[str, Any]:
    try:
        value = _DECODER.decode(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise BadRecordError(f"{not_utf8(error, line)} of the line") from error
    except json.JSONDecodeError as error:
        raise BadRecordError(f"not valid JSON: {error.msg} at character {error.pos + 1}") from error
    except RecursionError as error:
        raise BadRecordError(f"JSON nested deeper than {_DEEPEST} levels") from error
    except BadRecordError:
        raise
    except ValueError as error:  # an integer of more digits than Python converts
        raise BadRecordError(f"a number that cannot be read: {error}") from error
    if not isinstance(value, dict):
        raise BadRecordError(f"expected a JSON object, found {json_type(value)}")
    _check_depth(value, line)
    _check_surrogates(value, line)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise BadRecordError(f"the key {twice!r:.80} stands twice in one object; expected each key once")
    return fields


def _finite_float(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise BadRecordError(f"the number {digits:.40} is too large for a 64-bit float")
    return number


def _refuse_constant(name: str) -> NoReturn:
    raise BadRecordError(f"not valid JSON: {name} is no JSON value")


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=_finite_float, parse_constant=_refuse_constant
)


def _check_depth(value: dict[str, Any], line: bytes) -> None:
    """Whoever writes the metadata again recurses too, perhaps with less stack left."""
    if not any(isinstance(child, (dict, list)) for child in value.values()):
        return
    if line.count(b"[") + line.count(b"{") <= _DEEPEST:
        return
    level: list[Any] = [value]
    for _ in range(_DEEPEST):
        children = (child for item in level for child in (item.values() if isinstance(item, dict) else item))
        level = [child for child in children if isinstance(child, (dict, list))]
        if not level:
            return
    raise BadRecordError(f"JSON nested deeper than {_DEEPEST} levels")


def _check_surrogates(value: dict[str, Any], line: bytes) -> None:
    if _MAYBE_SURROGATE.search(line) is None:
        return
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as error:
        surrogate = ord(error.object[error.start])
        raise BadRecordError(
            f"a string holds the lone surrogate \\u{surrogate:04x}, which UTF-8 cannot carry"
        ) from error
