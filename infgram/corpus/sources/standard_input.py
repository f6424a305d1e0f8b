"""Standard input, kept in a temporary file: it can be read once only, and a corpus is read several times."""

from __future__ import annotations

import os
import sys
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from infgram.corpus.sources.files import CountingFile, LocalPlace
from infgram.errors import InputError, StorageError

STANDARD_INPUT: Final = "-"
_CHUNK_BYTES: Final = 1 << 20


class SpooledInput:
    """All of standard input, read when this object is made, until its end.

    The file is in the folder for temporary files (`TMPDIR`) and is removed with this object, or when the
    process ends in order.

    Attributes:
        size_bytes: how much it was.
    """

    def __init__(self) -> None:
        """Read it to its end.

        Raises:
            InputError: there is no standard input.
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
                f"standard input cannot be kept in {tempfile.gettempdir()}: {error.strerror or error}; "
                "set TMPDIR to a folder with room for all of it"
            ) from error
        self._place = LocalPlace(Path(name))

    def __str__(self) -> str:
        return "standard input"

    @contextmanager
    def open(self) -> Iterator[CountingFile]:
        """The copy, from its beginning."""
        with self._place.open() as raw:
            yield raw


def _read() -> bytes:
    try:
        return sys.stdin.buffer.read(_CHUNK_BYTES)
    except OSError as error:
        raise InputError(f"standard input cannot be read: {error.strerror or error}") from error
