"""Where a file is: opened for reading, with a count of the bytes that came from there."""

from __future__ import annotations

import io
import stat
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol


class CountingFile(io.FileIO):
    """A file that counts the bytes read from it."""

    n_bytes_read: int = 0

    def readinto(self, buffer: Any, /) -> int | None:
        """As `io.FileIO.readinto`, counted."""
        n = super().readinto(buffer)
        self.n_bytes_read += n or 0
        return n


class CountingStream(io.RawIOBase):
    """Any binary file object, counted likewise. Closing it leaves the object open: that has its own owner."""

    n_bytes_read: int = 0

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Whether the object is."""
        return bool(self._inner.seekable())

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """As the object's."""
        return int(self._inner.seek(offset, whence))

    def tell(self) -> int:
        """As the object's."""
        return int(self._inner.tell())

    def readinto(self, buffer: Any, /) -> int:
        """As `io.RawIOBase.readinto`, counted."""
        data = self._inner.read(len(buffer))
        buffer[: len(data)] = data
        self.n_bytes_read += len(data)
        return len(data)


class Place(Protocol):
    """One file somewhere; as a string it is what messages call it."""

    def open(self) -> AbstractContextManager[CountingFile | CountingStream]:
        """The file, from its beginning; two may be open at once.

        Raises:
            OSError: it cannot be opened.
        """
        ...


@dataclass(frozen=True)
class LocalPlace:
    """A file on this machine.

    Attributes:
        path: where it is.
    """

    path: Path

    def __str__(self) -> str:
        return str(self.path)

    @contextmanager
    def open(self) -> Iterator[CountingFile]:
        """A regular file for reading.

        Raises:
            OSError: it cannot be opened, or is a pipe, socket or device (which might never end).
        """
        if not stat.S_ISREG(self.path.stat().st_mode):
            raise OSError(0, "this is not a regular file")
        with CountingFile(self.path) as raw:
            yield raw


@dataclass(frozen=True)
class Found:
    """A file of the input.

    Attributes:
        place: opens it.
        name: its path below the input folder, with `/`; a name that is not UTF-8 is shown with escapes.
        size_bytes: as stored.
        identity: of a local file, its device and inode, which all links to it share; None if unknown.
    """

    place: Place
    name: str
    size_bytes: int
    identity: tuple[int, int] | None = None
