"""A file of text is one document, exactly as it stands, without a byte order mark."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import IO, Final

from infgram.corpus.documents import Skipped, SourceDocument
from infgram.corpus.options import ReadOptions
from infgram.corpus.readers.lines import bounded_content

_OTHER_MARKS: Final = (  # that of UTF-32 LE begins with that of UTF-16 LE
    (codecs.BOM_UTF32_LE, "UTF-32LE"),
    (codecs.BOM_UTF32_BE, "UTF-32BE"),
    (codecs.BOM_UTF16_LE, "UTF-16LE"),
    (codecs.BOM_UTF16_BE, "UTF-16BE"),
)


def read_text(content: IO[bytes], source: str, options: ReadOptions) -> Iterator[SourceDocument | Skipped]:
    """Read the file as one document: no newline is translated, a byte order mark is removed.

    Args:
        content: the open file; it is read whole, since a document is.
        source: the file's name in the corpus, which becomes its metadata.
        options: how long it may be.

    Raises:
        UnreadableError: it is longer.
    """
    yield text_document(bounded_content(content, options.longest_bytes), source)


def text_document(data: bytes | bytearray, source: str) -> SourceDocument | Skipped:
    """A whole file as one document, or why it is none."""
    try:
        text = data.removeprefix(codecs.BOM_UTF8).decode("utf-8")
    except UnicodeDecodeError as error:
        return Skipped(source, None, why_not_utf8(error, data))
    return SourceDocument(text, {"path": source}, source, None)


def why_not_utf8(error: UnicodeDecodeError, data: bytes | bytearray) -> str:
    """Return why a whole file is not UTF-8: another encoding where its byte order mark says so, or the wrong byte."""
    encoding = other_encoding(data)
    if encoding is not None:
        return in_encoding(encoding)
    n_marked = len(data) - len(error.object)  # a byte order mark, taken off before
    return not_utf8(error, data, n_marked)


def in_encoding(encoding: str) -> str:
    """The reason, for text in another encoding."""
    return f"{encoding} text; convert it to UTF-8 first, as with iconv -f {encoding} -t UTF-8"


def other_encoding(data: bytes | bytearray) -> str | None:
    """Return the encoding that a byte order mark names; None without one, or with that of UTF-8."""
    return next((name for mark, name in _OTHER_MARKS if data.startswith(mark)), None)


def begins_as_utf8(head: bytes) -> bool:
    """Whether the first bytes of a file are UTF-8; its last character may be cut."""
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.reason == "unexpected end of data"
    return True


def not_utf8(error: UnicodeDecodeError, data: bytes | bytearray, begin: int = 0) -> str:
    """The reason, with the byte and its offset from 0; `begin` bytes of the data were not decoded."""
    place = begin + error.start
    return f"not UTF-8 text: byte 0x{data[place]:02x} at byte offset {place} ({error.reason})"
