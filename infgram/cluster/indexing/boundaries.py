"""Boundaries of shards, by the rule of a build on one machine: the first document that fills a shard is its last."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from infgram.cluster.indexing.parts import PartEntry
from infgram.types import Int64Array


@dataclass(frozen=True)
class Slice:
    """The documents `[first, last)` of a part.

    Attributes:
        split: the number of the split.
        part: the number of the part within the split.
        entry: the entry of the part in its record.
        first: the first document, from 0.
        last: the end of the documents, exclusive.
        n_tokens: the number of tokens of these documents.
    """

    split: int
    part: int
    entry: PartEntry
    first: int
    last: int
    n_tokens: int


def cut_into_shards(
    splits: Sequence[Sequence[PartEntry]], shard_tokens: int, lengths: Callable[[int, int], Int64Array]
) -> list[list[Slice]]:
    """Return the slices of each shard.

    Args:
        splits: the parts of each split, in document order.
        shard_tokens: the number of tokens at which a shard is closed.
        lengths: returns the length in tokens of each document of a part, given the numbers of the split and the part.
            Called only for parts in which a shard ends.
    """
    shards: list[list[Slice]] = []
    room = 0
    for split, parts in enumerate(splits):
        for number, entry in enumerate(parts):
            ends: Int64Array | None = None
            first, begin = 0, 0
            while first < entry.n_documents:
                if room <= 0:
                    shards.append([])
                    room = shard_tokens
                if entry.n_tokens - begin < room:
                    last, end = entry.n_documents, entry.n_tokens
                else:
                    ends = np.cumsum(lengths(split, number)) if ends is None else ends
                    last = int(np.searchsorted(ends, begin + room)) + 1
                    end = int(ends[last - 1])
                shards[-1].append(Slice(split, number, entry, first, last, end - begin))
                room -= end - begin
                first, begin = last, end
    return shards
