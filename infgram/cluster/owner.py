"""The process that holds a group of shards in a Ray cluster."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from infgram.cluster.backend import Ask
from infgram.cluster.cache import Cache, default_cache_folder
from infgram.cluster.part import Part
from infgram.errors import InfgramError
from infgram.manifest import Manifest
from infgram.types import Load


class Outcome(NamedTuple):
    """Answers, or the error of the library that a question ended in."""

    answers: list[Any]
    error: InfgramError | None


class Owner:
    """Holds some shards and answers for them; Ray makes an actor of it.

    It has no state but the opened files. So one that is started anew answers as the one before.
    """

    def __init__(
        self, location: str, shards: Sequence[int], first_document: int, load: Load, cache: str | None
    ) -> None:
        """Bring the shards here, unless they are, and open them.

        Args:
            location: of the index: a folder that this machine sees, or a URL.
            shards: the numbers of its shards.
            first_document: the number of their first document.
            load: as for `infgram.open`.
            cache: the folder for copies of what is behind a URL; None for this machine's own choice.
        """
        self._location = location
        self._cache = Cache(Path(cache) if cache else default_cache_folder())
        manifest = Manifest.read(self._cache.index(location))
        entries = [manifest.shards[number] for number in shards]
        folders = [self._cache.shard(location, entry) for entry in entries]
        self._part = Part(list(zip(folders, entries, strict=True)), first_document, load)

    def answer(self, asks: Sequence[Ask]) -> Outcome:
        """The answers to some questions, or the first error."""
        try:
            return Outcome(self._part.answer(asks), None)
        except InfgramError as error:
            return Outcome([], error)

    def verify(self) -> Outcome:
        """Check every byte."""
        try:
            self._part.verify()
        except InfgramError as error:
            return Outcome([], error)
        return Outcome([], None)
