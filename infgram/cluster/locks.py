"""Locks that hold between the processes of one machine, and end with them."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from infgram.build.refusals import storage_errors


class FileLock:
    """The lock of one file, which is made; each object is another holder, in one process too.

    What is held shared and asked for exclusively, or the other way round, may be another's in between.
    """

    def __init__(self, path: Path) -> None:
        """Open it; nothing is held yet.

        Raises:
            StorageError: the operating system refused.
        """
        with storage_errors(f"open {path}"):
            self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)

    def share(self) -> None:
        """Wait until nobody holds it exclusively, and hold it with others."""
        fcntl.flock(self._file, fcntl.LOCK_SH)

    def exclude(self) -> None:
        """Wait until nobody holds it, and hold it alone."""
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def exclude_now(self) -> bool:
        """Hold it alone if nobody holds it; whether that is so."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def touch(self) -> None:
        """Set the file's time of change to now, finer than the kernel's clock ticks, so that uses keep their order."""
        now_ns = time.time_ns()
        os.utime(self._file, ns=(now_ns, now_ns))

    def release(self) -> None:
        """Hold it no more; the object is used up."""
        os.close(self._file)
