"""Whether the input is still the same, told without reading it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Final

from infgram.corpus.sources.files import LocalPlace, Place
from infgram.corpus.sources.remote import RemotePlace
from infgram.corpus.sources.standard_input import SpooledInput
from infgram.errors import InputError

_CHUNK_BYTES: Final = 1 << 20


def fingerprint(files: Iterable[tuple[str, Place]], options: Iterable[str | int | None]) -> str:
    """The SHA-256, in hexadecimal, of names, sizes and times of change, and of how the files are read.

    A remote file counts with whatever its file system tells it apart by, standard input with its content.

    Args:
        files: the name of each in the corpus, and where it is.
        options: how they are read.

    Raises:
        InputError: a file is gone.
    """
    digest = hashlib.sha256(json.dumps(list(options)).encode())
    for name, place in files:
        try:
            digest.update(json.dumps([name, version_of(place)]).encode())
        except OSError as error:
            raise InputError(f"{place}: cannot be read: {error.strerror or error}") from error
    return digest.hexdigest()


def version_of(place: Place) -> str:
    """What changes when the content of a file does; empty for a link to nowhere.

    Raises:
        OSError: it cannot be asked.
    """
    if isinstance(place, LocalPlace):
        if not place.path.exists():  # a link to nowhere: reading says so, in its turn
            return ""
        state = place.path.stat()
        return f"{state.st_size} {state.st_mtime_ns}"
    if isinstance(place, RemotePlace):
        return place.version()
    if isinstance(place, SpooledInput):
        return _content(place)
    return ""


def _content(place: Place) -> str:
    digest = hashlib.sha256()
    with place.open() as raw:
        while chunk := raw.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
