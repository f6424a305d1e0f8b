"""Where the files of an index are: a folder of this machine, or of whatever fsspec reaches by a URL."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final, Protocol

from infgram.errors import StorageError

_LOCAL: Final = "file://"


class Storage(Protocol):
    """A folder of files, each of which appears whole or not at all.

    Names are relative paths with `/`. May be used by several threads.
    """

    @property
    def location(self) -> str:
        """The folder as it was named."""

    @property
    def folder(self) -> Path | None:
        """Where the files can be opened in place; None if they are behind a URL."""

    def read(self, name: str) -> bytes:
        """A small file.

        Raises:
            FileNotFoundError: there is none of that name.
            StorageError: it cannot be read.
        """

    def write(self, name: str, content: bytes) -> None:
        """A small file, in place of the one that has this name.

        Raises:
            StorageError: it cannot be written.
        """

    def upload(self, path: Path, name: str) -> None:
        """A local file of any size; it must not be changed afterwards, as it may now have two names.

        Raises:
            StorageError: it cannot be read or written.
        """

    def download(self, name: str, path: Path) -> None:
        """A copy of a file of any size, flushed to the local disk.

        Raises:
            FileNotFoundError: there is none of that name.
            StorageError: it cannot be read or written.
        """

    def sizes(self, folder: str = "") -> dict[str, int]:
        """The names of all files in a folder and its sub-folders, sorted, with their sizes in bytes.

        Raises:
            StorageError: they cannot be listed.
        """

    def names(self, folder: str = "") -> list[str]:
        """As `sizes`, without them.

        Raises:
            StorageError: they cannot be listed.
        """

    def exists(self, name: str) -> bool:
        """Whether there is a file of that name.

        Raises:
            StorageError: it cannot be told.
        """

    def remove(self, name: str) -> None:
        """Take a file or a folder away; there may be none.

        Raises:
            StorageError: it cannot be removed.
        """

    def sweep(self) -> None:
        """Take away what killed processes have left of files that are not whole; nobody may be writing.

        Raises:
            StorageError: it cannot be removed.
        """


def storage_at(location: str | os.PathLike[str]) -> Storage:
    """The folder at a path or URL; nothing is made there yet.

    Raises:
        StorageError: the location is empty, or fsspec does not know its protocol.
        MissingExtraError: fsspec, or what it needs for this protocol, is not installed.
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
    """The location of what is in a folder, for messages and for `storage_at`."""
    return f"{location.rstrip('/')}/{name}"


def checked_name(name: str) -> str:
    """A name that stays inside its folder; those of an index come from its manifest, which anyone may have written.

    Raises:
        StorageError: it leads elsewhere.
    """
    if any(part in ("", ".", "..") for part in name.split("/")) or "\\" in name or "\0" in name:
        raise StorageError(f"{name!r} is no name of a file in a folder")
    return name
