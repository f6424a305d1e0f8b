r"""JSON lines: one document per line; one field is the text, all other fields are metadata.

Parsing is stricter than Python's, because metadata must be returned exactly and as valid JSON:

- NaN, Infinity and numbers that overflow to infinity are refused; integers of any size are exact;
- an object with a repeated key is refused, at any depth;
- lone surrogates (`"\ud800"`) are refused, since UTF-8 cannot encode them;
- objects and lists nested deeper than 200 levels are refused.

Lines end with a line feed. Blank lines are skipped. A byte order mark at the beginning of the file is accepted.
"""

from __future__ import annotations

import codecs
import json
import math
import re
from collections.abc import Iterable, Iterator
from typing import IO, Any, Final, NoReturn

from infgram.corpus.documents import BadRecordError, ReadOptions, Skipped, SourceDocument
from infgram.corpus.readers.text import bounded_lines, not_utf8
from infgram.corpus.readers.text_field import json_type

_MAX_DEPTH: Final = 200
_MAYBE_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def read_json_lines(content: IO[bytes], source: str, options: ReadOptions) -> Iterator[SourceDocument | Skipped]:
    """Read a file: yield its documents, and the lines that cannot be documents.

    Raises:
        UnreadableError: a line exceeds the maximum size.
    """
    return read_lines(bounded_lines(content, options.longest_bytes), source, options)


def read_lines(lines: Iterable[bytes], source: str, options: ReadOptions) -> Iterator[SourceDocument | Skipped]:
    """Read the lines of a file, as `read_json_lines`."""
    for number, raw in enumerate(lines, start=1):
        line = raw.removeprefix(codecs.BOM_UTF8) if number == 1 else raw
        if line.strip():
            yield read_record(line.rstrip(b"\r\n"), source, number, options)


def read_record(data: bytes, source: str, number: int, options: ReadOptions) -> SourceDocument | Skipped:
    """Return the document of one JSON object, or the reason why it cannot be one.

    Args:
        data: the JSON object.
        source: the name of the file in the corpus.
        number: the number of the line or of the array element.
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
    """Parse a JSON object leniently; return None if the data are not one."""
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
        raise BadRecordError(f"JSON nested deeper than {_MAX_DEPTH} levels") from error
    except BadRecordError:
        raise
    except ValueError as error:  # an integer with more digits than Python converts
        raise BadRecordError(f"a number cannot be read: {error}") from error
    if not isinstance(value, dict):
        raise BadRecordError(f"expected a JSON object, found {json_type(value)}")
    _check_depth(value, line)
    _check_surrogates(value, line)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        keys = [key for key, _ in pairs]
        repeated = next(key for key in keys if keys.count(key) > 1)
        raise BadRecordError(f"the key {repeated!r:.80} is repeated in one object; expected each key once")
    return fields


def _finite_float(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise BadRecordError(f"the number {digits:.40} is too large for a 64-bit float")
    return number


def _refuse_constant(name: str) -> NoReturn:
    raise BadRecordError(f"not valid JSON: {name} is not a JSON value")


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=_finite_float, parse_constant=_refuse_constant
)


def _check_depth(value: dict[str, Any], line: bytes) -> None:
    """Refuse deep nesting: writing the metadata recurses, too, perhaps with less stack left."""
    if not any(isinstance(child, (dict, list)) for child in value.values()):
        return
    if line.count(b"[") + line.count(b"{") <= _MAX_DEPTH:
        return
    level: list[Any] = [value]
    for _ in range(_MAX_DEPTH):
        children = (child for item in level for child in (item.values() if isinstance(item, dict) else item))
        level = [child for child in children if isinstance(child, (dict, list))]
        if not level:
            return
    raise BadRecordError(f"JSON nested deeper than {_MAX_DEPTH} levels")


def _check_surrogates(value: dict[str, Any], line: bytes) -> None:
    if _MAYBE_SURROGATE.search(line) is None:
        return
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as error:
        surrogate = ord(error.object[error.start])
        raise BadRecordError(
            f"a string holds the lone surrogate \\u{surrogate:04x}, which UTF-8 cannot encode"
        ) from error
