"""Shards end at the same documents as in a build on one machine."""

from __future__ import annotations

import numpy as np
from hypothesis import given, strategies as st

from infgram.cluster.indexing.boundaries import cut_into_shards
from infgram.cluster.indexing.parts import PartEntry
from infgram.types import Int64Array


@given(
    st.lists(st.lists(st.lists(st.integers(0, 6), min_size=1, max_size=6), max_size=3), max_size=5),
    st.integers(1, 12),
)
def test_the_document_that_fills_a_shard_is_its_last(splits: list[list[list[int]]], shard_tokens: int) -> None:
    asked: set[tuple[int, int]] = set()

    def lengths(split: int, part: int) -> Int64Array:
        asked.add((split, part))
        return np.array(splits[split][part], np.int64)

    entries = [[PartEntry(sum(part), len(part), {}) for part in split] for split in splits]
    cut = cut_into_shards(entries, shard_tokens, lengths)
    found = [
        [length for piece in shard for length in splits[piece.split][piece.part][piece.first : piece.last]]
        for shard in cut
    ]
    assert found == one_after_the_other([n for split in splits for part in split for n in part], shard_tokens)
    assert [sum(shard) for shard in found] == [sum(piece.n_tokens for piece in shard) for shard in cut]
    assert len(asked) <= len(cut)


def one_after_the_other(documents: list[int], shard_tokens: int) -> list[list[int]]:
    shards: list[list[int]] = []
    for length in documents:
        if not shards or sum(shards[-1]) >= shard_tokens:
            shards.append([])
        shards[-1].append(length)
    return shards
