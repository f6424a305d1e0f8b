"""Files of a corpus as plain values, so that another process, or another machine, reads just some of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from infgram.corpus.fingerprint import version_of
from infgram.corpus.options import ReadOptions
from infgram.corpus.reading import InputFile, OnError, Reading
from infgram.corpus.sources.files import LocalPlace, Place
from infgram.corpus.sources.remote import remote_place
from infgram.corpus.sources.standard_input import SpooledInput
from infgram.errors import InputError


@dataclass(frozen=True)
class FileEntry:
    """One file of a corpus.

    Attributes:
        location: its absolute path or its URL.
        source: its name in the corpus.
        size_bytes: as stored.
        version: changes when its content does.
    """

    location: str
    source: str
    size_bytes: int
    version: str

    @classmethod
    def of(cls, file: InputFile) -> FileEntry:
        """The entry of a file as it is now.

        Raises:
            InputError: it is standard input, which no other process can read, or it is gone.
        """
        if isinstance(file.place, SpooledInput):
            raise InputError("standard input can be read by this process only; write it to a file first")
        place = file.place
        location = str(place.path.absolute()) if isinstance(place, LocalPlace) else str(place)
        return cls(location, file.source, file.size_bytes, _version(place))

    def place(self) -> Place:
        """Where it is.

        Raises:
            InputError: the place cannot be reached.
            MissingExtraError: a package that it needs is not installed.
        """
        if self.location.startswith("/"):
            return LocalPlace(Path(self.location))
        try:
            return remote_place(self.location)
        except OSError as error:
            raise InputError(f"{self.location}: cannot be read: {error.strerror or error}") from error

    def check_unchanged(self) -> None:
        """Whether it is still the same file.

        Raises:
            InputError: it is not.
        """
        place = self.place()
        if _version(place) != self.version:
            raise InputError(f"{place}: the file has changed since the build began; run the same command again")


def reading_of(entries: Sequence[FileEntry], options: ReadOptions, on_error: OnError) -> Reading:
    """A pass over some files of a corpus.

    Raises:
        InputError: a place cannot be reached.
        MissingExtraError: a file needs a package that is not installed.
    """
    files = [InputFile(entry.place(), entry.source, entry.size_bytes) for entry in entries]
    return Reading("", files, [], options, on_error)


def _version(place: Place) -> str:
    try:
        return version_of(place)
    except OSError as error:
        raise InputError(f"{place}: cannot be read: {error.strerror or error}") from error
