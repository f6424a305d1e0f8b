"""JSON that is no JSON lines: an array of objects, one object, or objects one after the other.

Values are cut apart by their brackets before they are decoded, so that an array of any length is read in the memory
of one element, and an element that cannot be read does not spoil the next.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from itertools import chain
from typing import IO, Any, Final

from infgram.corpus.documents import Skipped, SourceDocument, UnreadableError
from infgram.corpus.options import ReadOptions
from infgram.corpus.readers.json_lines import json_object, read_lines, read_record
from infgram.corpus.readers.lines import bounded_content, bounded_lines, too_long
from infgram.corpus.readers.text_file import text_document

_CHUNK_BYTES: Final = 1 << 18
_ARRAY_OF_OBJECTS: Final = re.compile(rb"[ \t\r\n]*\[[ \t\r\n]*(\{|\]|$)")
_NOT_SPACE: Final = re.compile(rb"[^ \t\r\n]")
_BRACKET: Final = re.compile(rb'["{}\[\]]')
_SCALAR_END: Final = re.compile(rb"[,\[\]{} \t\r\n]")


def is_array_of_objects(head: bytes) -> bool:
    """Whether the beginning of a file is that of an array of objects, or of an empty one."""
    return _ARRAY_OF_OBJECTS.match(head.removeprefix(codecs.BOM_UTF8)) is not None


def read_json(content: Any, source: str, options: ReadOptions) -> Iterator[SourceDocument | Skipped]:
    """Read a file of JSON: a document for each element of an array of objects, each line, or each object.

    A file that is one value, but no object with the text field, is one document of text, as it stands: source code
    holds much JSON that is no data, and some with comments. `TextField` counts such files. If the format is given,
    it is an error instead.

    Args:
        content: the open file, a buffered reader.
        source: the file's name in the corpus.
        options: the text field, and how long an element may be.

    Raises:
        UnreadableError: the brackets do not match, or an element is too long.
    """
    head = content.peek(1)
    if is_array_of_objects(head):
        for number, value in enumerate(_Values(content, b"", options.longest_bytes).of_array(), start=1):
            yield read_record(value, source, number, options)
        return
    if not head.removeprefix(codecs.BOM_UTF8).lstrip().startswith(b"{"):
        data = bounded_content(content, options.longest_bytes)
        if data.strip():
            yield _whole(bytes(data), source, options)
        return
    lines = bounded_lines(content, options.longest_bytes)
    first = _up_to_a_line(lines)
    if json_object(first[-1].removeprefix(codecs.BOM_UTF8)) is not None:
        second = _up_to_a_line(lines)
        if second and second[-1].strip():
            yield from read_lines(chain(first, second, lines), source, options)
        else:
            yield _whole(b"".join(first + second), source, options)
        return
    values = _Values(content, b"".join(first), options.longest_bytes)
    one = values.first_of_objects()
    if one is None:
        yield _whole(values.all(), source, options)
        return
    for number, value in enumerate(chain([one], values.of_stream()), start=1):
        yield read_record(value, source, number, options)


def _up_to_a_line(lines: Iterator[bytes]) -> list[bytes]:
    """The next line that is not blank, and the blank ones before it."""
    read: list[bytes] = []
    for line in lines:
        read.append(line)
        if line.strip():
            break
    return read


def _whole(data: bytes, source: str, options: ReadOptions) -> SourceDocument | Skipped:
    """A file that is one value: a record if it has the text field, else text."""
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
    """The file ends inside of a value, or what would be one if this were JSON."""


class _Values:
    """The values of a file, cut apart. A buffer holds what is read and not yet given away."""

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
        """The elements of the array with which the file begins.

        Raises:
            UnreadableError: it is not closed, its elements are not separated, something follows, or one is too long.
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
        """The values that follow, with nothing but white space between."""
        while self._next() != b"":
            self._forget()
            yield self._value()

    def first_of_objects(self) -> bytes | None:
        """The first value, if it is an object and what may be another follows; nothing is forgotten before that."""
        self._next()
        try:
            one = self._value()
        except _TruncatedError:
            return None
        return one if self._next() == b"{" and json_object(one) is not None else None

    def all(self) -> bytes:
        """The whole file, after `first_of_objects`."""
        self._at = 0
        while self._more():
            pass
        return bytes(self._buffer)

    def _next(self) -> bytes:
        """The next byte that is no white space, which is not passed; empty at the end of the file."""
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
        """After the quote that is not escaped, which has an even number of backslashes before it."""
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
