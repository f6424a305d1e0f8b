"""A scratch folder on the local disk for one task; folders of killed tasks are removed."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from infgram.files.disk import FileLock, storage_errors

_PREFIX: Final = "infgram-task-"
_LOCK: Final = ".lock"


@contextmanager
def task_folder(scratch: str | None) -> Iterator[Path]:
    """Create a folder that is removed at the end of the block.

    Args:
        scratch: the parent folder; None for the default temporary folder.

    Raises:
        StorageError: the operating system reported an error.
    """
    parent = Path(scratch or tempfile.gettempdir())
    with storage_errors(f"create a folder in {parent}"):
        parent.mkdir(parents=True, exist_ok=True)
        _sweep(parent)
        folder, lock = _locked_folder(parent)
    try:
        yield folder
    finally:
        _remove(folder, lock)


def _locked_folder(parent: Path) -> tuple[Path, FileLock]:
    while True:
        folder = parent / f"{_PREFIX}{secrets.token_hex(8)}"
        lock_path = folder.with_suffix(_LOCK)
        lock = FileLock(lock_path)
        lock.exclude()
        if lock_path.exists():  # otherwise it was removed concurrently
            folder.mkdir()
            return folder, lock
        lock.release()


def _sweep(parent: Path) -> None:
    """Remove the folders whose locks are free, because their processes have ended."""
    for lock_path in parent.glob(f"{_PREFIX}*{_LOCK}"):
        if os.access(lock_path, os.W_OK):  # skip folders of other users
            lock = FileLock(lock_path)
            if lock.exclude_now():
                _remove(lock_path.with_suffix(""), lock)
            else:
                lock.release()


def _remove(folder: Path, lock: FileLock) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.with_suffix(_LOCK).unlink(missing_ok=True)
    lock.release()
