"""Opening a file, compressed or not, and counting what has been read from the disk."""

from __future__ import annotations

import gzip
import io
import stat
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import IO, Any, Final, cast

from infgram.corpus.listing import Compression

_BUFFER_BYTES: Final = 1 << 20
_LONGEST_ZSTD_WINDOW_LOG: Final = 31  # `zstd --long=31`; the format's largest, 2 GiB


class DamagedInputError(Exception):
    """A compressed file is cut short or altered; never leaves this folder."""


class CountingFile(io.FileIO):
    """A file that counts the bytes read from it."""

    n_bytes_read: int = 0

    def readinto(self, buffer: Any, /) -> int | None:
        """As `io.FileIO.readinto`, counted."""
        n = super().readinto(buffer)
        self.n_bytes_read += n or 0
        return n


@contextmanager
def open_file(path: Path) -> Iterator[CountingFile]:
    """A regular file for reading.

    Raises:
        OSError: it cannot be opened, or is a pipe, socket or device (which might never end).
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(0, "this is not a regular file")
    with CountingFile(path) as raw:
        yield raw


@contextmanager
def decompressed(raw: CountingFile, compression: Compression | None) -> Iterator[IO[bytes]]:
    """The content of an open file; all members of a gzip file, all frames of a zstd file.

    Raises:
        DamagedInputError: while reading, when the compressed data is cut short or altered.
    """
    with io.BufferedReader(raw, _BUFFER_BYTES) as buffered:
        if compression is None:
            yield buffered
        elif compression == "gzip":
            yield from _gunzip(buffered)
        else:
            yield from _unzstd(buffered)


def _gunzip(compressed: io.BufferedReader[CountingFile]) -> Iterator[IO[bytes]]:
    if not compressed.peek(1):
        raise DamagedInputError("the file is empty, which no gzip file is")
    try:
        with gzip.GzipFile(fileobj=compressed, mode="rb") as plain, _buffer(plain) as lines:
            yield lines
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DamagedInputError(f"truncated or damaged gzip data: {error}") from error


def _unzstd(compressed: io.BufferedReader[CountingFile]) -> Iterator[IO[bytes]]:
    zstd = _zstd_module()
    options = {zstd.DecompressionParameter.window_log_max: _LONGEST_ZSTD_WINDOW_LOG}
    try:
        with zstd.ZstdFile(compressed, "rb", options=options) as plain, _buffer(plain) as lines:
            yield lines
    except (EOFError, zstd.ZstdError) as error:
        raise DamagedInputError(f"truncated or damaged zstd data: {error}") from error


def _buffer(plain: Any) -> IO[bytes]:
    """Lines of a decompressing file through C's buffer, which is several times faster than its own."""
    return cast(IO[bytes], io.BufferedReader(plain, _BUFFER_BYTES))


def _zstd_module() -> ModuleType:
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    return zstd
