"""Storage behind a URL, through fsspec: `s3://`, `gs://`, `memory://`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from infgram.cluster.storage.storage import checked_name, read_small
from infgram.corpus.readers.extras import REMOTE
from infgram.errors import InfgramError, MissingExtraError, StorageError
from infgram.files.disk import atomic_file


def remote_storage(url: str) -> RemoteStorage:
    """Return the storage at a URL.

    Raises:
        StorageError: fsspec does not support the protocol.
        MissingExtraError: fsspec, or its package for this protocol, is not installed.
    """
    return RemoteStorage(url, *_opened(url))


class RemoteStorage:
    """A `Storage`. In object stores, a file appears when its upload is complete.

    Can be used after a fork. Pickled as its URL.

    Attributes:
        location: the URL.
        path: the folder within its fsspec file system.
    """

    folder: None = None

    def __init__(self, location: str, file_system: Any, path: str) -> None:
        """Use `remote_storage`."""
        self.location, self.path = location, path
        self._made: tuple[int, Any] = os.getpid(), file_system

    @property
    def file_system(self) -> Any:
        """The `fsspec.AbstractFileSystem` of this process, with its own connections and thread."""
        if self._made[0] != os.getpid():
            self._made = os.getpid(), _opened(self.location)[0]
        return self._made[1]

    def __reduce__(self) -> tuple[Any, ...]:
        return remote_storage, (self.location,)

    def read(self, name: str) -> bytes:
        """Read a small file."""
        place = self._url(name)
        with (
            _errors(f"read {place}", may_be_absent=True),
            self.file_system.open(self._path(name), cache_type="none") as file,  # reads nothing ahead
        ):
            return read_small(file, place)

    def write(self, name: str, content: bytes) -> None:
        """Write a small file, and replace one of the same name."""
        with _errors(f"write {self._url(name)}"):
            self.file_system.pipe_file(self._path(name), content)

    def upload(self, path: Path, name: str) -> None:
        """Store a local file; large files are uploaded in several parts."""
        with _errors(f"copy {path} to {self._url(name)}"):
            self.file_system.put_file(str(path), self._path(name))

    def download(self, name: str, path: Path) -> None:
        """Copy a file to a local path."""
        with _errors(f"copy {self._url(name)} to {path}", may_be_absent=True), atomic_file(path) as unfinished:
            self.file_system.get_file(self._path(name), str(unfinished))

    def sizes(self, folder: str = "") -> dict[str, int]:
        """Return the sizes in bytes of all files below a folder, sorted by name."""
        root = f"{self.path}/"
        with _errors(f"list {self._url(folder)}"), suppress(FileNotFoundError):
            found = self.file_system.find(self._path(folder) if folder else self.path, detail=True)
            files = {path: entry["size"] or 0 for path, entry in found.items() if entry["type"] == "file"}
            return {path.removeprefix(root): files[path] for path in sorted(files)}
        return {}

    def names(self, folder: str = "") -> list[str]:
        """Return the names of all files below a folder, sorted."""
        return list(self.sizes(folder))

    def exists(self, name: str) -> bool:
        """Return whether a file of this name exists."""
        with _errors(f"look for {self._url(name)}"), suppress(FileNotFoundError):
            return bool(self.file_system.info(self._path(name))["type"] == "file")
        return False

    def remove(self, name: str) -> None:
        """Remove a file or a folder, if it exists."""
        with _errors(f"remove {self._url(name)}"), suppress(FileNotFoundError):
            self.file_system.rm(self._path(name), recursive=True)

    def sweep(self) -> None:
        """Do nothing: rules of the bucket delete unfinished uploads."""

    def _path(self, name: str) -> str:
        return f"{self.path}/{checked_name(name)}"

    def _url(self, name: str) -> str:
        return f"{self.location.rstrip('/')}/{name}"


def _opened(url: str) -> tuple[Any, str]:
    """Return the file system of a URL, and the path of the folder in it."""
    core = REMOTE.load()
    try:
        with _errors(f"open {url}"):  # without a cache, files of other writers appear at once
            file_system, path = core.url_to_fs(url, use_listings_cache=False)
    except ImportError as error:
        raise MissingExtraError(f"{url}: {error}; install it and: pip install 'infgram[{REMOTE.name}]'") from error
    return file_system, path.rstrip("/")


@contextmanager
def _errors(action: str, *, may_be_absent: bool = False) -> Iterator[None]:
    """Convert any exception of a file system to `StorageError: cannot <action>: <reason>`."""
    try:
        yield
    except (InfgramError, ImportError):
        raise
    except Exception as error:
        if may_be_absent and isinstance(error, FileNotFoundError):
            raise
        message = f"cannot {action}: {type(error).__name__}: {error}"
        number = error.errno if isinstance(error, OSError) else None
        raise (StorageError(number, message) if number else StorageError(message)) from error
