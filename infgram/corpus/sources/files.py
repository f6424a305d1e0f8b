"""Input files: their locations, opened with a count of the bytes read; local files and standard input."""

from __future__ import annotations

import io
import os
import stat
import sys
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from infgram.errors import InputError, StorageError

STANDARD_INPUT: Final = "-"
_CHUNK_BYTES: Final = 1 << 20


class CountingFile(io.FileIO):
    """A file that counts the bytes read from it."""

    n_bytes_read: int = 0

    def readinto(self, buffer: Any, /) -> int | None:
        """As `io.FileIO.readinto`, counted."""
        n = super().readinto(buffer)
        self.n_bytes_read += n or 0
        return n


class CountingStream(io.RawIOBase):
    """A stream that counts the bytes read from any binary file object. Closing it does not close the object."""

    n_bytes_read: int = 0

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return whether the object is seekable."""
        return bool(self._inner.seekable())

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Seek in the object."""
        return int(self._inner.seek(offset, whence))

    def tell(self) -> int:
        """Return the position of the object."""
        return int(self._inner.tell())

    def readinto(self, buffer: Any, /) -> int:
        """As `io.RawIOBase.readinto`, counted."""
        data = self._inner.read(len(buffer))
        buffer[: len(data)] = data
        self.n_bytes_read += len(data)
        return len(data)


class FileLocation(Protocol):
    """The location of one file; `str` gives its name for messages."""

    def open(self) -> AbstractContextManager[CountingFile | CountingStream]:
        """Open the file at its beginning; it can be opened several times at once.

        Raises:
            OSError: the file cannot be opened.
        """
        ...


@dataclass(frozen=True)
class LocalLocation:
    """A file on this machine.

    Attributes:
        path: the path.
    """

    path: Path

    def __str__(self) -> str:
        return str(self.path)

    @contextmanager
    def open(self) -> Iterator[CountingFile]:
        """Open a regular file.

        Raises:
            OSError: the file cannot be opened, or is a pipe, socket or device, which might never end.
        """
        if not stat.S_ISREG(self.path.stat().st_mode):
            raise OSError(0, "this is not a regular file")
        with CountingFile(self.path) as raw:
            yield raw


@dataclass(frozen=True)
class InputFile:
    """A file of the corpus. Its format is decided when it is opened.

    Attributes:
        location: opens the file.
        source: its name in the corpus: the path below the input folder, with `/`; bytes that are not UTF-8 are escaped.
        size_bytes: the size as stored.
        identity: the device and inode of a local file, which all links to it share; None if unknown.
    """

    location: FileLocation
    source: str
    size_bytes: int
    identity: tuple[int, int] | None = None


class StandardInput:
    """A copy of standard input in a temporary file: it can be read only once, and a corpus is read several times.

    The file is in the folder for temporary files (`TMPDIR`). It is removed with this object or at a regular exit of
    the process.

    Attributes:
        size_bytes: the size of the input.
    """

    def __init__(self) -> None:
        """Read standard input to its end.

        Raises:
            InputError: standard input is closed.
            StorageError: the disk is full.
        """
        if sys.stdin is None:
            raise InputError("standard input is closed; expected JSON lines there ('-')")
        try:
            file, name = tempfile.mkstemp(prefix="infgram-input-")
            self._remove = weakref.finalize(self, os.unlink, name)
            with open(file, "wb") as spool:
                while chunk := _read():
                    spool.write(chunk)
                self.size_bytes = spool.tell()
        except OSError as error:
            raise StorageError(
                f"standard input cannot be copied to {tempfile.gettempdir()}: {error.strerror or error}; "
                "set TMPDIR to a folder with enough free space"
            ) from error
        self._copy = LocalLocation(Path(name))

    def __str__(self) -> str:
        return "standard input"

    @contextmanager
    def open(self) -> Iterator[CountingFile]:
        """Open the copy at its beginning."""
        with self._copy.open() as raw:
            yield raw


def _read() -> bytes:
    try:
        return sys.stdin.buffer.read(_CHUNK_BYTES)
    except OSError as error:
        raise InputError(f"standard input cannot be read: {error.strerror or error}") from error
