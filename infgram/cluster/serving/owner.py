"""The process that holds a group of shards in a Ray cluster."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from infgram.cluster.serving.backend import Ask
from infgram.cluster.serving.part import Part
from infgram.cluster.storage.cache import Cache, default_cache_folder
from infgram.errors import IndexDamagedError, InfgramError
from infgram.files.manifest import Manifest
from infgram.types import Load


class Outcome(NamedTuple):
    """Answers, or the error of the library that a question ended in."""

    answers: list[Any]
    error: InfgramError | None


def check_same(location: str, manifest: Manifest, fingerprint: str) -> None:
    """Whether the index is still the one that was spread.

    Raises:
        IndexDamagedError: another one is in its place, and parts of both must not answer together.
    """
    if manifest.fingerprint != fingerprint:
        raise IndexDamagedError(
            f"{location} is another index than the one that was spread over the cluster; undeploy that, and deploy anew"
        )


class Owner:
    """Holds some shards and answers for them; Ray makes an actor of it.

    It has no state but the opened files. So one that is started anew answers as the one before.
    """

    def __init__(
        self,
        location: str,
        fingerprint: str,
        shards: Sequence[int],
        first_document: int,
        load: Load,
        cache: str | None,
    ) -> None:
        """Bring the shards here, unless they are, and open them; if that fails, it is tried again when they are asked.

        Args:
            location: of the index: a folder that this machine sees, or a URL.
            fingerprint: of its manifest.
            shards: the numbers of its shards.
            first_document: the number of their first document.
            load: as for `infgram.open`.
            cache: the folder for copies of what is behind a URL; None for this machine's own choice.
        """
        self._what = location, fingerprint, shards, first_document, load, cache
        self._part: Part | None = None
        self._opening = threading.Lock()
        with suppress(OSError, MemoryError):  # Ray gives up what cannot be made; whoever asks is told
            self.answer([])

    def answer(self, asks: Sequence[Ask]) -> Outcome:
        """The answers to some questions, or the first error."""
        try:
            return Outcome(self._opened().answer(asks), None)
        except InfgramError as error:
            return Outcome([], error)

    def verify(self) -> Outcome:
        """Check every byte."""
        try:
            self._opened().verify()
        except InfgramError as error:
            return Outcome([], error)
        return Outcome([], None)

    def _opened(self) -> Part:
        with self._opening:
            if self._part is None:
                location, fingerprint, shards, first_document, load, folder = self._what
                cache = Cache(Path(folder) if folder else default_cache_folder())
                manifest = Manifest.read(cache.index(location))
                check_same(location, manifest, fingerprint)
                entries = [manifest.shards[number] for number in shards]
                folders = [cache.shard(location, entry) for entry in entries]
                self._part = Part(list(zip(folders, entries, strict=True)), first_document, load)
            return self._part
