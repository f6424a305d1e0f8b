"""JSON files other than JSON lines: an array of objects, one object, or concatenated objects.

Values are separated by matching brackets before they are parsed. An array of any length therefore needs the memory of
one element, and reading continues after an element that cannot be parsed.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from itertools import chain
from typing import IO, Any, Final

from infgram.corpus.documents import ReadOptions, Skipped, SourceDocument, UnreadableError
from infgram.corpus.readers.json_lines import json_object, read_lines, read_record
from infgram.corpus.readers.text import bounded_content, bounded_lines, text_document, too_long

_CHUNK_BYTES: Final = 1 << 18
_ARRAY_OF_OBJECTS: Final = re.compile(rb"[ \t\r\n]*\[[ \t\r\n]*(\{|\]|$)")
_NOT_SPACE: Final = re.compile(rb"[^ \t\r\n]")
_BRACKET: Final = re.compile(rb'["{}\[\]]')
_SCALAR_END: Final = re.compile(rb"[,\[\]{} \t\r\n]")


def is_array_of_objects(head: bytes) -> bool:
    """Return whether a file that begins with these bytes is an array of objects or an empty array."""
    return _ARRAY_OF_OBJECTS.match(head.removeprefix(codecs.BOM_UTF8)) is not None


def read_json(content: Any, source: str, options: ReadOptions) -> Iterator[SourceDocument | Skipped]:
    """Read a JSON file: one document per element of an array of objects, per line, or per object.

    A file that is a single value without the text field becomes one text document, unchanged, because folders of
    source code hold many JSON files that are not data, some with comments. `TextField` counts such files. With
    `format="json"` they are errors instead.

    Args:
        content: the open file, a buffered reader.
        source: the name of the file in the corpus.
        options: the text field and the maximum size of an element.

    Raises:
        UnreadableError: the brackets do not match, or an element exceeds the maximum size.
    """
    head = content.peek(1)
    if is_array_of_objects(head):
        for number, value in enumerate(_Values(content, b"", options.longest_bytes).of_array(), start=1):
            yield read_record(value, source, number, options)
        return
    if not head.removeprefix(codecs.BOM_UTF8).lstrip().startswith(b"{"):
        data = bounded_content(content, options.longest_bytes)
        if data.strip():
            yield _single_value(bytes(data), source, options)
        return
    lines = bounded_lines(content, options.longest_bytes)
    first = _through_next_line(lines)
    if json_object(first[-1].removeprefix(codecs.BOM_UTF8)) is not None:
        second = _through_next_line(lines)
        if second and second[-1].strip():
            yield from read_lines(chain(first, second, lines), source, options)
        else:
            yield _single_value(b"".join(first + second), source, options)
        return
    values = _Values(content, b"".join(first), options.longest_bytes)
    one = values.first_of_objects()
    if one is None:
        yield _single_value(values.all(), source, options)
        return
    for number, value in enumerate(chain([one], values.of_stream()), start=1):
        yield read_record(value, source, number, options)


def _through_next_line(lines: Iterator[bytes]) -> list[bytes]:
    """Return the next line that is not blank, preceded by the blank lines before it."""
    read: list[bytes] = []
    for line in lines:
        read.append(line)
        if line.strip():
            break
    return read


def _single_value(data: bytes, source: str, options: ReadOptions) -> SourceDocument | Skipped:
    """Return the document of a file that is a single value: a record if it has the text field, else text."""
    field = options.text_field
    value = data.removeprefix(codecs.BOM_UTF8).strip()
    fields = json_object(value)
    if options.format == "json" or (field.may_be_in(value) if fields is None else field.is_in(fields)):
        return read_record(value, source, 1, options)
    document = text_document(data, source)
    if isinstance(document, SourceDocument):
        field.count_whole_file(fields or {})
    return document


class _TruncatedError(UnreadableError):
    """Raised if the file ends inside a value."""


class _Values:
    """Splits a file into values. The buffer holds bytes that are read but not yet returned."""

    def __init__(self, content: IO[bytes], begin: bytes, longest_bytes: int) -> None:
        self._content = content
        self._buffer = bytearray(begin)
        self._at = 0
        self._longest_bytes = longest_bytes
        while len(self._buffer) < len(codecs.BOM_UTF8) and self._more():
            pass
        if self._buffer.startswith(codecs.BOM_UTF8):
            self._at = len(codecs.BOM_UTF8)

    def of_array(self) -> Iterator[bytes]:
        """Yield the elements of the array that is the file.

        Raises:
            UnreadableError: the array is malformed, something follows it, or an element exceeds the maximum size.
        """
        self._next()
        self._at += 1
        separator = self._next()
        while separator != b"]":
            self._forget()
            yield self._value()
            separator = self._next()
            if separator not in (b",", b"]"):
                raise _invalid(f"expected ',' or ']' after an element, found {_shown(separator)}")
            if separator == b",":
                self._at += 1
                if self._next() == b"]":
                    raise _invalid("expected an element after ',', found ']'")
        self._at += 1
        if self._next() != b"":
            raise _invalid("something follows the array")

    def of_stream(self) -> Iterator[bytes]:
        """Yield the remaining values, which only white space separates."""
        while self._next() != b"":
            self._forget()
            yield self._value()

    def first_of_objects(self) -> bytes | None:
        """Return the first value if it is an object and `{` follows, else None; the buffer keeps all bytes so far."""
        self._next()
        try:
            one = self._value()
        except _TruncatedError:
            return None
        return one if self._next() == b"{" and json_object(one) is not None else None

    def all(self) -> bytes:
        """Return the whole file; call it after `first_of_objects` only."""
        self._at = 0
        while self._more():
            pass
        return bytes(self._buffer)

    def _next(self) -> bytes:
        """Advance to the next byte that is not white space and return it; empty at the end of the file."""
        while True:
            found = _NOT_SPACE.search(self._buffer, self._at)
            if found is not None:
                self._at = found.start()
                return found.group()
            self._at = len(self._buffer)
            if not self._more():
                return b""

    def _value(self) -> bytes:
        begin, first = self._at, self._next()
        if first in (b"{", b"["):
            end = self._end_of_brackets(begin)
        elif first == b'"':
            end = self._end_of_string(begin + 1)
        else:
            end = self._search(_SCALAR_END, begin, may_end=True)
            if end == begin:
                raise _invalid(f"expected a value, found {_shown(first)}")
        self._at = end
        if end - begin > self._longest_bytes:
            raise too_long("the next element", self._longest_bytes)
        return bytes(self._buffer[begin:end])

    def _end_of_brackets(self, at: int) -> int:
        depth = 0
        while True:
            at = self._search(_BRACKET, at) + 1
            bracket = self._buffer[at - 1]
            if bracket == 0x22:
                at = self._end_of_string(at)
            else:
                depth += 1 if bracket in b"{[" else -1
                if depth == 0:
                    return at

    def _end_of_string(self, begin: int) -> int:
        """Return the position after the closing quote, which an even number of backslashes precedes."""
        at = begin
        while True:
            quote = self._buffer.find(b'"', at)
            if quote < 0:
                at = len(self._buffer)
                self._more_or_fail()
                continue
            at = quote + 1
            backslashes = quote
            while backslashes > begin and self._buffer[backslashes - 1] == 0x5C:
                backslashes -= 1
            if (quote - backslashes) % 2 == 0:
                return at

    def _search(self, pattern: re.Pattern[bytes], at: int, *, may_end: bool = False) -> int:
        while True:
            found = pattern.search(self._buffer, at)
            if found is not None:
                return found.start()
            at = len(self._buffer)
            if may_end:
                if not self._more():
                    return at
            else:
                self._more_or_fail()

    def _more_or_fail(self) -> None:
        if not self._more():
            raise _TruncatedError("truncated or damaged JSON: the file ends inside a value")

    def _more(self) -> bool:
        if len(self._buffer) - self._at > self._longest_bytes + _CHUNK_BYTES:
            raise too_long("the next element", self._longest_bytes)
        chunk = self._content.read(_CHUNK_BYTES)
        self._buffer += chunk
        return bool(chunk)

    def _forget(self) -> None:
        if self._at >= _CHUNK_BYTES:
            del self._buffer[: self._at]
            self._at = 0


def _invalid(reason: str) -> UnreadableError:
    return UnreadableError(f"not valid JSON: {reason}")


def _shown(byte: bytes) -> str:
    return repr(byte.decode("latin-1")) if byte else "the end of the file"
