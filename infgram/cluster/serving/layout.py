"""How the shards of an index are spread over groups, each of which answers as one."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from infgram.errors import QueryError
from infgram.files.manifest import Manifest


@dataclass(frozen=True)
class Layout:
    """Groups of neighbouring shards, in order.

    Attributes:
        manifest: of the index.
        groups: how many shards each group has; together all of them.
    """

    manifest: Manifest
    groups: tuple[int, ...]

    @cached_property
    def first_shards(self) -> list[int]:
        """The number of each group's first shard, and that behind the last one."""
        return [0, *accumulate(self.groups)]

    @cached_property
    def first_documents(self) -> list[int]:
        """The number of each group's first document, and that behind the last one."""
        starts = [0, *accumulate(shard.n_documents for shard in self.manifest.shards)]
        return [starts[first] for first in self.first_shards]

    def shards_of(self, group: int) -> range:
        """The numbers of a group's shards."""
        return range(self.first_shards[group], self.first_shards[group + 1])

    def group_of_shard(self, shard: int) -> int:
        """The group that has a shard.

        Raises:
            QueryError: there is no such shard.
        """
        if not 0 <= shard < self.first_shards[-1]:
            raise QueryError(f"there is no shard {shard}; the index has 0 to {self.first_shards[-1] - 1}")
        return bisect_right(self.first_shards, shard) - 1

    def group_of_document(self, document: int) -> int:
        """The group that has a document.

        Raises:
            QueryError: there is no such document.
        """
        if not 0 <= document < self.first_documents[-1]:
            raise QueryError(f"there is no document {document}; the index holds 0 to {self.first_documents[-1] - 1}")
        return bisect_right(self.first_documents, document) - 1


def spread(sizes: Sequence[int], rooms: Sequence[int]) -> tuple[int, ...]:
    """Cut a row of shards into as many neighbouring groups as there are rooms, sized as the rooms are.

    Args:
        sizes: of the shards, in bytes.
        rooms: what each group may take, in any unit; at least 1 each. Rooms beyond one a shard are not used.

    Returns:
        How many shards each group has: at least 1.
    """
    rooms = rooms[: len(sizes)]
    total, room = sum(sizes), sum(rooms)
    ends = list(accumulate(sizes))
    groups, first = [], 0
    for number, share in enumerate(accumulate(rooms)):
        n_left = len(rooms) - number - 1  # groups after this one, of a shard each at least
        last = bisect_right(ends, total * share / room) if n_left else len(sizes)
        last = min(max(last, first + 1), len(sizes) - n_left)
        groups.append(last - first)
        first = last
    return tuple(groups)
