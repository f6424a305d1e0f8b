"""The division of the shards of an index into groups."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from infgram.caching import cached_property
from infgram.errors import QueryError
from infgram.files.manifest import Manifest


@dataclass(frozen=True)
class Layout:
    """Groups of neighboring shards, in order.

    Attributes:
        manifest: the manifest of the index.
        groups: the number of shards of each group; the sum is the number of shards of the index.
    """

    manifest: Manifest
    groups: tuple[int, ...]

    @cached_property
    def first_shards(self) -> list[int]:
        """The first shard of each group, followed by the number of shards."""
        return [0, *accumulate(self.groups)]

    @cached_property
    def first_documents(self) -> list[int]:
        """The number of the first document of each group, followed by that of the next added document."""
        starts = [shard.first_document for shard in self.manifest.shards]
        return [starts[first] for first in self.first_shards[:-1]] + [self.manifest.next_document]

    def shards_of(self, group: int) -> range:
        """Return the numbers of the shards of a group."""
        return range(self.first_shards[group], self.first_shards[group + 1])

    def group_of_shard(self, shard: int) -> int:
        """Return the group of a shard.

        Raises:
            QueryError: the index has no such shard.
        """
        if not 0 <= shard < self.first_shards[-1]:
            raise QueryError(f"there is no shard {shard}; the index has shards 0 to {self.first_shards[-1] - 1}")
        return bisect_right(self.first_shards, shard) - 1

    def group_of_document(self, document: int) -> int:
        """Return the group of a document; a group answers that a document in a gap does not exist.

        Raises:
            QueryError: the index has no such document.
        """
        if not 0 <= document < self.first_documents[-1]:
            raise QueryError(f"there is no document {document}; the index holds 0 to {self.first_documents[-1] - 1}")
        return max(0, bisect_right(self.first_documents, document) - 1)


def spread(sizes: Sequence[int], capacities: Sequence[int]) -> tuple[int, ...]:
    """Divide the shards into one group of neighbors per capacity, with sizes proportional to the capacities.

    Args:
        sizes: the size of each shard in bytes.
        capacities: the capacity of each group, in any unit; at least 1 each. If there are more capacities than shards,
            the last ones are ignored.

    Returns:
        The number of shards of each group, at least 1.
    """
    capacities = capacities[: len(sizes)]
    total, capacity = sum(sizes), sum(capacities)
    ends = list(accumulate(sizes))
    groups, first = [], 0
    for number, share in enumerate(accumulate(capacities)):
        n_left = len(capacities) - number - 1  # later groups, with at least one shard each
        last = bisect_right(ends, total * share / capacity) if n_left else len(sizes)
        last = min(max(last, first + 1), len(sizes) - n_left)
        groups.append(last - first)
        first = last
    return tuple(groups)
