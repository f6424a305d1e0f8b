"""Lines and whole files of at most so many bytes, so that no compressed bomb fills the memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Final

from infgram.corpus.documents import UnreadableError

_CHUNK_BYTES: Final = 1 << 20


def bounded_lines(content: IO[bytes], longest_bytes: int) -> Iterator[bytes]:
    """The lines, with their line feeds.

    Raises:
        UnreadableError: a line is longer.
    """
    readline, n = content.readline, longest_bytes + 1
    while line := readline(n):
        if len(line) > longest_bytes:
            raise too_long("the next line", longest_bytes)
        yield line


def bounded_content(content: IO[bytes], longest_bytes: int) -> bytearray:
    """All of a file.

    Raises:
        UnreadableError: it is longer.
    """
    data = bytearray()
    while chunk := content.read(_CHUNK_BYTES):
        data += chunk
        if len(data) > longest_bytes:
            raise too_long("the file", longest_bytes)
    return data


def too_long(what: str, longest_bytes: int) -> UnreadableError:
    """The error for a line, a record or a file beyond the limit."""
    return UnreadableError(f"{what} is longer than {longest_bytes} bytes; expected documents of at most so many")
