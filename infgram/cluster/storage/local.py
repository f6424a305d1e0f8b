"""A folder of this machine, or one that all machines of a cluster share."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from infgram.cluster.storage.storage import checked_name
from infgram.files.disk import UNFINISHED, atomic_file, storage_errors


@dataclass(frozen=True)
class LocalStorage:
    """As the protocol `Storage` says. A file grows under another name and is then renamed, flushed to the disk."""

    location: str
    folder: Path

    def read(self, name: str) -> bytes:
        """A small file."""
        with _errors_but_absence(f"read {self._path(name)}"):
            return self._path(name).read_bytes()

    def write(self, name: str, content: bytes) -> None:
        """A small file, in place of the one that has this name."""
        with storage_errors(f"write {self._path(name)}"), _created(self._path(name)) as unfinished:
            unfinished.write_bytes(content)

    def upload(self, path: Path, name: str) -> None:
        """A local file; it gets a second name where that is possible, and is copied otherwise."""
        with storage_errors(f"copy {path} to {self._path(name)}"), _created(self._path(name)) as unfinished:
            try:
                os.link(path, unfinished)
            except OSError:  # another disk, or one without links; if it is anything else, copying fails likewise
                shutil.copyfile(path, unfinished)

    def download(self, name: str, path: Path) -> None:
        """A copy of a file."""
        with _errors_but_absence(f"copy {self._path(name)} to {path}"), _created(path) as unfinished:
            shutil.copyfile(self._path(name), unfinished)

    def sizes(self, folder: str = "") -> dict[str, int]:
        """The names of all files in a folder and its sub-folders, sorted, with their sizes in bytes."""
        found = {}
        with storage_errors(f"list {self.folder / folder}"):
            for path in sorted((self.folder / folder).rglob("*")):
                with suppress(FileNotFoundError):  # removed, or renamed, in this moment
                    if not path.name.startswith(UNFINISHED) and path.is_file():
                        found[path.relative_to(self.folder).as_posix()] = path.stat().st_size
        return found

    def names(self, folder: str = "") -> list[str]:
        """As `sizes`, without them."""
        return list(self.sizes(folder))

    def exists(self, name: str) -> bool:
        """Whether there is a file of that name."""
        return self._path(name).is_file()

    def remove(self, name: str) -> None:
        """Take a file or a folder away; there may be none."""
        path = self._path(name)
        with storage_errors(f"remove {path}"), suppress(FileNotFoundError):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()

    def sweep(self) -> None:
        """Take away what killed processes have left of files that are not whole; nobody may be writing."""
        with storage_errors(f"sweep {self.folder}"):
            for path in self.folder.rglob(f"{UNFINISHED}*"):
                path.unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return self.folder / checked_name(name)


@contextmanager
def _created(path: Path) -> Iterator[Path]:
    """As `atomic_file`; folders above the file are created."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(path) as unfinished:
        yield unfinished


@contextmanager
def _errors_but_absence(action: str) -> Iterator[None]:
    """As `storage_errors`; that there is no such file is no refusal."""
    absent: FileNotFoundError | None = None
    with storage_errors(action):
        try:
            yield
        except FileNotFoundError as error:
            absent = error
    if absent is not None:
        raise absent
