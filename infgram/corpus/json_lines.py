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
from collections.abc import Iterator
from typing import IO, Any, Final, NoReturn

from infgram.corpus.documents import Skipped, SourceDocument
from infgram.corpus.text_file import not_utf8

_DEEPEST: Final = 200
_MAYBE_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_LONGEST_LIST_OF_FIELDS: Final = 200  # characters, in messages


class BadLineError(ValueError):
    """Why a line is no document; never leaves this folder."""


class JsonLinesReader:
    """Reads files of JSON lines and remembers whether any line had the text field.

    Attributes:
        text_field: the field that holds the text.
        n_objects: lines so far that were JSON objects.
        n_with_text_field: those of them that had the text field, whatever its type.
        other_fields: the fields of the first object without it, for messages.
    """

    def __init__(self, text_field: str) -> None:
        self.text_field = text_field
        self.n_objects = 0
        self.n_with_text_field = 0
        self.other_fields = ""
        self._decoder = json.JSONDecoder(
            object_pairs_hook=_object, parse_float=_finite_float, parse_constant=_refuse_constant
        )

    def read(self, lines: IO[bytes], source: str) -> Iterator[SourceDocument | Skipped]:
        """The documents of one file, and the lines that are none."""
        for number, raw in enumerate(lines, start=1):
            line = raw.removeprefix(codecs.BOM_UTF8) if number == 1 else raw
            if not line.strip():
                continue
            try:
                fields = self._fields(line.rstrip(b"\r\n"))
                text = self._take_text(fields)
            except BadLineError as error:
                yield Skipped(source, number, str(error))
            else:
                yield SourceDocument(text, fields, source, number)

    def _fields(self, line: bytes) -> dict[str, Any]:
        try:
            value = self._decoder.decode(line.decode("utf-8"))
        except UnicodeDecodeError as error:
            raise BadLineError(f"{not_utf8(error, line)} of the line") from error
        except json.JSONDecodeError as error:
            raise BadLineError(f"not valid JSON: {error.msg} at character {error.pos + 1}") from error
        except RecursionError as error:
            raise BadLineError(f"JSON nested deeper than {_DEEPEST} levels") from error
        except BadLineError:
            raise
        except ValueError as error:  # an integer of more digits than Python converts
            raise BadLineError(f"a number that cannot be read: {error}") from error
        if not isinstance(value, dict):
            raise BadLineError(f"expected a JSON object, found {_json_type(value)}")
        _check_depth(value, line)
        _check_surrogates(value, line)
        return value

    def _take_text(self, fields: dict[str, Any]) -> str:
        self.n_objects += 1
        if self.text_field not in fields:
            self.other_fields = self.other_fields or _list_fields(fields)
            raise BadLineError(
                f"no field {self.text_field!r} (text_field=…, --text-field); this line has {_list_fields(fields)}"
            )
        self.n_with_text_field += 1
        text = fields.pop(self.text_field)
        if not isinstance(text, str):
            others = _list_fields({self.text_field: text, **fields})
            raise BadLineError(
                f"field {self.text_field!r} is {_json_type(text)}, expected a string; this line has {others}"
            )
        return text


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise BadLineError(f"the key {twice!r:.80} stands twice in one object; expected each key once")
    return fields


def _finite_float(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise BadLineError(f"the number {digits:.40} is too large for a 64-bit float")
    return number


def _refuse_constant(name: str) -> NoReturn:
    raise BadLineError(f"not valid JSON: {name} is no JSON value")


def _check_depth(value: dict[str, Any], line: bytes) -> None:
    """Whoever writes the metadata again recurses too, perhaps with less stack left."""
    if line.count(b"[") + line.count(b"{") <= _DEEPEST:
        return
    level: list[Any] = [value]
    for _ in range(_DEEPEST):
        children = (child for item in level for child in (item.values() if isinstance(item, dict) else item))
        level = [child for child in children if isinstance(child, (dict, list))]
        if not level:
            return
    raise BadLineError(f"JSON nested deeper than {_DEEPEST} levels")


def _check_surrogates(value: dict[str, Any], line: bytes) -> None:
    if _MAYBE_SURROGATE.search(line) is None:
        return
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as error:
        surrogate = ord(error.object[error.start])
        raise BadLineError(f"a string holds the lone surrogate \\u{surrogate:04x}, which UTF-8 cannot carry") from error


def _json_type(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    names = {dict: "an object", list: "a list", str: "a string", int: "a number", float: "a number"}
    return names[type(value)]


def _list_fields(fields: dict[str, Any]) -> str:
    if not fields:
        return "no fields"
    listed = ", ".join(repr(name) for name in list(fields)[:20])
    return f"the fields {listed}" if len(listed) <= _LONGEST_LIST_OF_FIELDS else f"the fields {listed[:200]}…"
