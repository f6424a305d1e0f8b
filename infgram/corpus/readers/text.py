"""Text files, and lines and contents of bounded length."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import IO, Final

from infgram.corpus.documents import ReadOptions, Skipped, SourceDocument, UnreadableError

_CHUNK_BYTES: Final = 1 << 20


def bounded_lines(content: IO[bytes], longest_bytes: int) -> Iterator[bytes]:
    """Yield the lines, each with its line feed.

    Raises:
        UnreadableError: a line exceeds `longest_bytes`, as the decompressed content of a small file may.
    """
    readline, n = content.readline, longest_bytes + 1
    while line := readline(n):
        if len(line) > longest_bytes:
            raise too_long("the next line", longest_bytes)
        yield line


def bounded_content(content: IO[bytes], longest_bytes: int) -> bytearray:
    """Return the content of a file.

    Raises:
        UnreadableError: the content exceeds `longest_bytes`.
    """
    data = bytearray()
    while chunk := content.read(_CHUNK_BYTES):
        data += chunk
        if len(data) > longest_bytes:
            raise too_long("the file", longest_bytes)
    return data


def too_long(what: str, longest_bytes: int) -> UnreadableError:
    """Return the error for a line, a record or a file that exceeds the limit."""
    return UnreadableError(f"{what} is longer than {longest_bytes} bytes, the limit for one document")


_OTHER_MARKS: Final = (  # the mark of UTF-32 LE begins with the mark of UTF-16 LE
    (codecs.BOM_UTF32_LE, "UTF-32LE"),
    (codecs.BOM_UTF32_BE, "UTF-32BE"),
    (codecs.BOM_UTF16_LE, "UTF-16LE"),
    (codecs.BOM_UTF16_BE, "UTF-16BE"),
)


def read_text(content: IO[bytes], source: str, options: ReadOptions) -> Iterator[SourceDocument | Skipped]:
    """Read a text file as one document: newlines are kept, a byte order mark is removed.

    Args:
        content: the open file, which is read into memory.
        source: the name of the file in the corpus, which becomes the metadata.
        options: the maximum size.

    Raises:
        UnreadableError: the file exceeds the maximum size.
    """
    yield text_document(bounded_content(content, options.longest_bytes), source)


def text_document(data: bytes | bytearray, source: str) -> SourceDocument | Skipped:
    """Return a whole file as one document, or the reason why it cannot be one."""
    try:
        text = data.removeprefix(codecs.BOM_UTF8).decode("utf-8")
    except UnicodeDecodeError as error:
        return Skipped(source, None, why_not_utf8(error, data))
    return SourceDocument(text, {"path": source}, source, None)


def why_not_utf8(error: UnicodeDecodeError, data: bytes | bytearray) -> str:
    """Return why a file is not UTF-8: the encoding of its byte order mark, or else the first invalid byte."""
    encoding = other_encoding(data)
    if encoding is not None:
        return in_encoding(encoding)
    mark_bytes = len(data) - len(error.object)  # a byte order mark, removed before decoding
    return not_utf8(error, data, mark_bytes)


def in_encoding(encoding: str) -> str:
    """Return the reason for text in another encoding."""
    return f"{encoding} text; convert it to UTF-8 first, as with iconv -f {encoding} -t UTF-8"


def other_encoding(data: bytes | bytearray) -> str | None:
    """Return the encoding that a byte order mark names; None if there is no mark or it is UTF-8's."""
    return next((name for mark, name in _OTHER_MARKS if data.startswith(mark)), None)


def begins_as_utf8(head: bytes) -> bool:
    """Return whether the first bytes of a file are UTF-8; the last character may be incomplete."""
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.reason == "unexpected end of data"
    return True


def not_utf8(error: UnicodeDecodeError, data: bytes | bytearray, begin: int = 0) -> str:
    """Return the reason, with the invalid byte and its offset; the first `begin` bytes were not decoded."""
    offset = begin + error.start
    return f"not UTF-8 text: byte 0x{data[offset]:02x} at byte offset {offset} ({error.reason})"
