"""A file of text is one document, exactly as it stands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

from infgram.corpus.documents import Skipped, SourceDocument
from infgram.corpus.lines import bounded_content
from infgram.corpus.options import ReadOptions


def read_text(content: IO[bytes], source: str, options: ReadOptions) -> Iterator[SourceDocument | Skipped]:
    """The file as one document: no newline translated, a byte order mark kept; a NUL is a character.

    Args:
        content: the open file; it is read whole, since a document is.
        source: the file's name in the corpus, which becomes its metadata.
        options: how long it may be.

    Raises:
        UnreadableError: it is longer.
    """
    data = bounded_content(content, options.longest_bytes)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        yield Skipped(source, None, not_utf8(error, data))
    else:
        yield SourceDocument(text, {"path": source}, source, None)


def not_utf8(error: UnicodeDecodeError, data: bytes | bytearray) -> str:
    """The reason, with the byte and its offset from 0."""
    return f"not UTF-8 text: byte 0x{data[error.start]:02x} at byte offset {error.start} ({error.reason})"
