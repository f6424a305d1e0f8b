"""Files on a local disk: operating-system errors as `StorageError`, atomic writes, and locks."""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from infgram import _core
from infgram.errors import InfgramError, StorageError

UNFINISHED: Final = ".unfinished-"
"""The prefix of a file name while the file is being written."""


@contextmanager
def storage_errors(action: str) -> Iterator[None]:
    """Raise each OSError of the block as `StorageError: cannot <action>: <reason>`."""
    try:
        yield
    except InfgramError:
        raise
    except OSError as error:
        raise StorageError(error.errno, f"cannot {action}: {error.strerror}") from error


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Write a file under a temporary name in the same folder, and rename it to `path` when the block ends.

    The file is flushed to the disk before it is renamed, the folder after. If the block fails, the temporary file is
    removed and `path` stays as it was.

    Raises:
        OSError: the file cannot be written; wrap the call in `storage_errors` to name the action.
    """
    unfinished = path.with_name(f"{UNFINISHED}{secrets.token_hex(8)}")
    try:
        yield unfinished
        with open(unfinished, "rb") as written:
            os.fsync(written.fileno())
        unfinished.replace(path)
        _core.sync_folder(path.parent)
    finally:
        unfinished.unlink(missing_ok=True)


def open_regular(path: Path) -> IO[bytes]:
    """Open a regular file for reading. Anything else is refused unread: reading a pipe or a device might not end.

    Raises:
        IrregularFileError: the path is a folder, a pipe, a socket or a device.
        OSError: the file cannot be opened.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise IrregularFileError(errno.EINVAL, "not a regular file")
        return open(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


class IrregularFileError(OSError):
    """A folder, a pipe, a socket or a device where a regular file is expected."""


class FileLock:
    """An advisory lock between processes on a file, which is created if needed.

    Each object is a separate holder, also within one process. Converting a shared lock to an exclusive one, or back,
    is not atomic: another process may acquire the lock in between.
    """

    def __init__(self, path: Path) -> None:
        """Open the file without locking it.

        Raises:
            StorageError: the file cannot be opened.
        """
        with storage_errors(f"open {path}"):
            self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)

    def share(self) -> None:
        """Wait for a shared lock."""
        fcntl.flock(self._file, fcntl.LOCK_SH)

    def exclude(self) -> None:
        """Wait for an exclusive lock."""
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def exclude_now(self) -> bool:
        """Try to acquire an exclusive lock without waiting; return whether it succeeded."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def touch(self) -> None:
        """Set the file's times to now in nanoseconds, finer than kernel ticks, so that uses stay ordered."""
        now_ns = time.time_ns()
        os.utime(self._file, ns=(now_ns, now_ns))

    def release(self) -> None:
        """Release the lock and close the file; the object cannot be used again."""
        os.close(self._file)
