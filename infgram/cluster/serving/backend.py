"""Who asks the groups of shards: the protocol, and the groups in this process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from infgram.cluster.serving.layout import Layout
from infgram.cluster.serving.part import Part


class Ask(NamedTuple):
    """A question of `infgram.cluster.serving.part.QUESTIONS`, and its arguments."""

    question: str
    arguments: tuple[Any, ...]


class Backend(Protocol):
    """Sends questions to groups of shards, each of which answers for all of its shards. Safe for any thread."""

    @property
    def layout(self) -> Layout:
        """How the shards are spread."""

    def ask(self, asks: Mapping[int, Sequence[Ask]], allow_missing: bool) -> dict[int, list[Any]]:
        """Several questions to several groups, all at once: one message each way for each group.

        Args:
            asks: by the number of the group.
            allow_missing: whether groups that cannot be reached may be left out, if not all.

        Returns:
            The answers, in order, of each group.

        Raises:
            InfgramError: what a group raises.
            ShardUnavailableError: a group cannot be reached.
        """

    def verify(self) -> None:
        """Check every byte of every shard, where they are.

        Raises:
            IndexDamagedError: names the file, what was found and what was expected.
            ShardUnavailableError: a group cannot be reached.
        """

    def close(self) -> None:
        """Let go of the groups."""


class LocalBackend:
    """All groups in this process: what a cluster answers, without one."""

    def __init__(self, layout: Layout, folder: Path) -> None:
        """Open all shards of an index.

        Args:
            layout: how they are spread.
            folder: of the index.
        """
        self.layout = layout
        self._parts = []
        for group, first_document in zip(range(len(layout.groups)), layout.first_documents, strict=False):
            shards = [layout.manifest.shards[number] for number in layout.shards_of(group)]
            self._parts.append(Part([(folder / shard.folder, shard) for shard in shards], first_document, "map"))

    def ask(self, asks: Mapping[int, Sequence[Ask]], allow_missing: bool) -> dict[int, list[Any]]:
        """Ask one group after the other."""
        return {group: self._parts[group].answer(some) for group, some in asks.items()}

    def verify(self) -> None:
        """Check every byte of every shard."""
        for part in self._parts:
            part.verify()

    def close(self) -> None:
        """Close the files."""
        self._parts = []
