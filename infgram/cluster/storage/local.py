"""Storage in a local folder, or in a folder that all machines of a cluster share."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from infgram.cluster.storage.storage import checked_name, read_small
from infgram.files.disk import UNFINISHED, atomic_file, open_regular, storage_errors


@dataclass(frozen=True)
class LocalStorage:
    """A `Storage`. A file is written under a temporary name, flushed to disk, and renamed."""

    location: str
    folder: Path

    def read(self, name: str) -> bytes:
        """Read a small file."""
        with _storage_errors_except_absence(f"read {self._path(name)}"), open_regular(self._path(name)) as file:
            return read_small(file, str(self._path(name)))

    def write(self, name: str, content: bytes) -> None:
        """Write a small file, and replace one of the same name."""
        with storage_errors(f"write {self._path(name)}"), _created(self._path(name)) as unfinished:
            unfinished.write_bytes(content)

    def upload(self, path: Path, name: str) -> None:
        """Store a local file, as a hard link if possible and as a copy otherwise."""
        with storage_errors(f"copy {path} to {self._path(name)}"), _created(self._path(name)) as unfinished:
            try:
                os.link(path, unfinished)
            except OSError:  # another disk, or no hard links; after any other error, copying fails too
                shutil.copyfile(path, unfinished)

    def download(self, name: str, path: Path) -> None:
        """Copy a file to a local path."""
        with _storage_errors_except_absence(f"copy {self._path(name)} to {path}"), _created(path) as unfinished:
            shutil.copyfile(self._path(name), unfinished)

    def sizes(self, folder: str = "") -> dict[str, int]:
        """Return the sizes in bytes of all files below a folder, sorted by name."""
        sizes = {}
        with storage_errors(f"list {self.folder / folder}"):
            for path in sorted((self.folder / folder).rglob("*")):
                with suppress(FileNotFoundError):  # removed or renamed concurrently
                    if not path.name.startswith(UNFINISHED) and path.is_file():
                        sizes[path.relative_to(self.folder).as_posix()] = path.stat().st_size
        return sizes

    def names(self, folder: str = "") -> list[str]:
        """Return the names of all files below a folder, sorted."""
        return list(self.sizes(folder))

    def exists(self, name: str) -> bool:
        """Return whether a file of this name exists."""
        return self._path(name).is_file()

    def remove(self, name: str) -> None:
        """Remove a file or a folder, if it exists."""
        path = self._path(name)
        with storage_errors(f"remove {path}"), suppress(FileNotFoundError):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()

    def sweep(self) -> None:
        """Remove unfinished files of killed processes; no other process may be writing."""
        with storage_errors(f"sweep {self.folder}"):
            for path in self.folder.rglob(f"{UNFINISHED}*"):
                path.unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return self.folder / checked_name(name)


@contextmanager
def _created(path: Path) -> Iterator[Path]:
    """See `atomic_file`; parent folders are created."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(path) as unfinished:
        yield unfinished


@contextmanager
def _storage_errors_except_absence(action: str) -> Iterator[None]:
    """See `storage_errors`; FileNotFoundError passes through."""
    absent: FileNotFoundError | None = None
    with storage_errors(action):
        try:
            yield
        except FileNotFoundError as error:
            absent = error
    if absent is not None:
        raise absent
