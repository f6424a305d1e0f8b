"""Storage of index files: a local folder, or a folder behind a URL that fsspec supports."""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO, Final, Protocol

from infgram.errors import IndexDamagedError, StorageError
from infgram.files.signed_json import MOST_BYTES

_LOCAL: Final = "file://"


class Storage(Protocol):
    """A folder of files. A file appears only when it is complete.

    Names are relative paths with `/`. Thread-safe.
    """

    @property
    def location(self) -> str:
        """The path or URL of the folder, as given."""

    @property
    def folder(self) -> Path | None:
        """The local folder with the files; None if they are behind a URL."""

    def read(self, name: str) -> bytes:
        """Read a small file.

        Raises:
            FileNotFoundError: no file has this name.
            IndexDamagedError: the file is larger than `MOST_BYTES`; no more of it is read.
            StorageError: the file cannot be read.
        """

    def write(self, name: str, content: bytes) -> None:
        """Write a small file, and replace one of the same name.

        Raises:
            StorageError: the file cannot be written.
        """

    def upload(self, path: Path, name: str) -> None:
        """Store a local file of any size. Do not modify it afterwards, because it may now be a hard link.

        Raises:
            StorageError: the file cannot be read or written.
        """

    def download(self, name: str, path: Path) -> None:
        """Copy a file of any size to a local path, and flush it to disk.

        Raises:
            FileNotFoundError: no file has this name.
            StorageError: the file cannot be read or written.
        """

    def sizes(self, folder: str = "") -> dict[str, int]:
        """Return the sizes in bytes of all files below a folder, sorted by name.

        Raises:
            StorageError: the folder cannot be listed.
        """

    def names(self, folder: str = "") -> list[str]:
        """Return the names of all files below a folder, sorted.

        Raises:
            StorageError: the folder cannot be listed.
        """

    def exists(self, name: str) -> bool:
        """Return whether a file of this name exists.

        Raises:
            StorageError: the storage cannot be queried.
        """

    def remove(self, name: str) -> None:
        """Remove a file or a folder, if it exists.

        Raises:
            StorageError: a file cannot be removed.
        """

    def sweep(self) -> None:
        """Remove unfinished files of killed processes; no other process may be writing.

        Raises:
            StorageError: a file cannot be removed.
        """


def storage_at(location: str | os.PathLike[str]) -> Storage:
    """Return the storage at a path or URL, without creating anything.

    Raises:
        StorageError: the location is empty, or fsspec does not support its protocol.
        MissingExtraError: fsspec, or its package for this protocol, is not installed.
    """
    name = os.fspath(location)
    if not name.removeprefix(_LOCAL):
        raise StorageError(f"the location is {name!r}; expected a folder, or a URL such as s3://bucket/index")
    if "://" not in name or name.startswith(_LOCAL):
        from infgram.cluster.storage.local import LocalStorage

        return LocalStorage(name, Path(name.removeprefix(_LOCAL)))
    from infgram.cluster.storage.remote import remote_storage

    return remote_storage(name)


def below(location: str, name: str) -> str:
    """Return the location of a file or folder below a location, for messages and for `storage_at`."""
    return f"{location.rstrip('/')}/{name}"


def read_small(file: IO[bytes], place: str) -> bytes:
    """Read a file of at most `MOST_BYTES`, or raise the IndexDamagedError of `Storage.read`; `place` names it."""
    content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise IndexDamagedError(f"{place} is larger than {MOST_BYTES:,} bytes; copy the index again or rebuild it")
    return content


def checked_name(name: str) -> str:
    """Return the name if it is a path inside its folder. Names come from manifests, which are untrusted.

    Raises:
        StorageError: the name leads outside the folder.
    """
    if any(part in ("", ".", "..") for part in name.split("/")) or "\\" in name or "\0" in name:
        raise StorageError(f"{name!r} is not the name of a file in a folder; expected a relative path without . and ..")
    return name
