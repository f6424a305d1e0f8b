"""Owner: the process that serves a group of shards in a Ray cluster."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from infgram.cluster.serving.backend import GroupQuery
from infgram.cluster.serving.shard_group import ShardGroup
from infgram.cluster.storage.cache import Cache, default_cache_folder
from infgram.errors import IndexDamagedError, InfgramError
from infgram.files.manifest import Manifest
from infgram.types import Load


class Outcome(NamedTuple):
    """The answers of an owner, or an error of the library."""

    answers: list[Any]
    error: InfgramError | None


def check_same(location: str, manifest: Manifest, fingerprint: str) -> None:
    """Check that the index is still the one that was deployed, because groups of two indexes must not be mixed.

    Raises:
        IndexDamagedError: a different index is at the location.
    """
    if manifest.fingerprint != fingerprint:
        raise IndexDamagedError(
            f"{location} is not the index that was deployed; undeploy the index and deploy it again"
        )


class Owner:
    """A Ray actor that opens a group of shards and answers queries.

    Its only state are the opened files, so a restarted owner gives the same answers.
    """

    def __init__(
        self,
        location: str,
        fingerprint: str,
        shards: Sequence[int],
        load: Load,
        cache: str | None,
    ) -> None:
        """Copy the shards to this machine if necessary, and open them. If that fails, the next query tries again.

        Args:
            location: the path or URL of the index.
            fingerprint: the fingerprint of its manifest.
            shards: the numbers of the shards.
            load: as for `infgram.open`.
            cache: the folder for copies of shards behind a URL; None for the default of this machine.
        """
        self._arguments = location, fingerprint, shards, load, cache
        self._group: ShardGroup | None = None
        self._opening = threading.Lock()
        with suppress(
            OSError, MemoryError
        ):  # Ray gives up on actors whose constructor fails; the next query reports the error
            self.answer([])

    def answer(self, queries: Sequence[GroupQuery]) -> Outcome:
        """Return the answers to some queries, or the first error."""
        try:
            return Outcome(self._opened().answer(queries), None)
        except InfgramError as error:
            return Outcome([], error)

    def verify(self) -> Outcome:
        """Verify every byte of the shards."""
        try:
            self._opened().verify()
        except InfgramError as error:
            return Outcome([], error)
        return Outcome([], None)

    def _opened(self) -> ShardGroup:
        with self._opening:
            if self._group is None:
                location, fingerprint, shards, load, folder = self._arguments
                cache = Cache(Path(folder) if folder else default_cache_folder())
                manifest = Manifest.read(cache.index(location))
                check_same(location, manifest, fingerprint)
                entries = [manifest.shards[number] for number in shards]
                folders = [cache.shard(location, entry) for entry in entries]
                self._group = ShardGroup(list(zip(folders, entries, strict=True)), load)
            return self._group
