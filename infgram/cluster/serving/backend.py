"""The protocol for querying groups of shards, and a backend with all groups in this process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from infgram.cluster.serving.layout import Layout
from infgram.cluster.serving.shard_group import ShardGroup


class GroupQuery(NamedTuple):
    """A query of one group: a name in `infgram.cluster.serving.shard_group.GROUP_QUERIES`, and its arguments."""

    name: str
    arguments: tuple[Any, ...]


class Backend(Protocol):
    """Sends queries to groups of shards. Each group answers for all of its shards. Thread-safe."""

    @property
    def layout(self) -> Layout:
        """The groups of shards."""

    def run(self, queries: Mapping[int, Sequence[GroupQuery]], allow_missing: bool) -> dict[int, list[Any]]:
        """Send several queries to several groups at once, with one message per group in each direction.

        Args:
            queries: the queries for each group.
            allow_missing: whether to omit unreachable groups, if at least one group can be reached.

        Returns:
            The answers of each group, in order.

        Raises:
            InfgramError: raised by a group.
            ShardUnavailableError: a group cannot be reached.
        """

    def verify(self) -> None:
        """Verify every byte of every shard in its own process.

        Raises:
            IndexDamagedError: a file is damaged; the message names it, expected and found.
            ShardUnavailableError: a group cannot be reached.
        """

    def close(self) -> None:
        """Disconnect from the groups."""


class LocalBackend:
    """All groups in this process, with the same answers as on a cluster."""

    def __init__(self, layout: Layout, folder: Path) -> None:
        """Open all shards of an index.

        Args:
            layout: the groups of shards.
            folder: the folder of the index.
        """
        self.layout = layout
        self._groups = []
        for group in range(len(layout.groups)):
            shards = [layout.manifest.shards[number] for number in layout.shards_of(group)]
            self._groups.append(ShardGroup([(folder / shard.folder, shard) for shard in shards], "map"))

    def run(self, queries: Mapping[int, Sequence[GroupQuery]], allow_missing: bool) -> dict[int, list[Any]]:
        """Query one group after another."""
        return {group: self._groups[group].answer(some) for group, some in queries.items()}

    def verify(self) -> None:
        """Verify every byte of every shard."""
        for shard_group in self._groups:
            shard_group.verify()

    def close(self) -> None:
        """Close the files."""
        self._groups = []
