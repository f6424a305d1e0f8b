"""Fingerprints of input files, and files as plain values that another process can open."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from infgram.corpus.documents import ReadOptions
from infgram.corpus.reading import OnError, Reading
from infgram.corpus.sources.files import FileLocation, InputFile, LocalLocation, StandardInput
from infgram.corpus.sources.remote import RemoteLocation, remote_location
from infgram.errors import InputError

_CHUNK_BYTES: Final = 1 << 20


def fingerprint(files: Iterable[tuple[str, FileLocation]], options: Iterable[str | int | None]) -> str:
    """Return the SHA-256, in hexadecimal, of the files' names and versions and of the options that read them.

    Args:
        files: the name and the location of each file.
        options: the options that determine how the files are read.

    Raises:
        InputError: a file no longer exists.
    """
    digest = hashlib.sha256(json.dumps(list(options)).encode())
    for name, location in files:
        digest.update(json.dumps([name, _version(location)]).encode())
    return digest.hexdigest()


def _version(location: FileLocation) -> str:
    """Return a string that changes when the content of a file changes; empty for a dangling link.

    A local file has its size and modification time, a remote file the tag of its file system, standard input the
    digest of its content.

    Raises:
        InputError: the location cannot be read.
    """
    try:
        if isinstance(location, LocalLocation):
            if not location.path.exists():  # a dangling link: reported when the file is read
                return ""
            state = location.path.stat()
            return f"{state.st_size} {state.st_mtime_ns}"
        if isinstance(location, RemoteLocation):
            return location.version()
        if isinstance(location, StandardInput):
            return _content_digest(location)
    except OSError as error:
        raise InputError(f"{location}: cannot be read: {error.strerror or error}") from error
    return ""


def _content_digest(location: FileLocation) -> str:
    digest = hashlib.sha256()
    with location.open() as raw:
        while chunk := raw.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


@dataclass(frozen=True)
class FileEntry:
    """One file of a corpus as a plain value, for another process or machine to read.

    Attributes:
        location: the absolute path or the URL.
        source: the name in the corpus.
        size_bytes: the size as stored.
        version: changes when the content changes.
    """

    location: str
    source: str
    size_bytes: int
    version: str

    @classmethod
    def of(cls, file: InputFile) -> FileEntry:
        """Describe the current state of a file.

        Raises:
            InputError: the file is standard input, which no other process can read, or it no longer exists.
        """
        if isinstance(file.location, StandardInput):
            raise InputError("standard input can be read by this process only; write it to a file first")
        location = file.location
        name = str(location.path.absolute()) if isinstance(location, LocalLocation) else str(location)
        return cls(name, file.source, file.size_bytes, _version(location))

    def open_location(self) -> FileLocation:
        """Return the location, from which the file can be opened.

        Raises:
            InputError: the file system cannot be reached.
            MissingExtraError: a required package is not installed.
        """
        if self.location.startswith("/"):
            return LocalLocation(Path(self.location))
        try:
            return remote_location(self.location)
        except OSError as error:
            raise InputError(f"{self.location}: cannot be read: {error.strerror or error}") from error

    def check_unchanged(self) -> None:
        """Check that the content is the one for which this entry was made.

        Raises:
            InputError: the file has changed.
        """
        location = self.open_location()
        if _version(location) != self.version:
            raise InputError(f"{location}: the file has changed since the build began; run the same command again")


def reading_of(entries: Sequence[FileEntry], options: ReadOptions, on_error: OnError) -> Reading:
    """Start a pass over some files of a corpus.

    Raises:
        InputError: a file system cannot be reached.
        MissingExtraError: a file needs a package that is not installed.
    """
    files = [InputFile(entry.open_location(), entry.source, entry.size_bytes) for entry in entries]
    return Reading("", files, [], options, on_error)
