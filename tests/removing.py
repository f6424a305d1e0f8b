"""Indexes from which documents were removed, and fresh indexes of the other documents, by the core alone."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

import infgram
from infgram import _core
from tests.building import temporary_folder, token_index, width_of
from tests.reference import ReferenceIndex
from tests.strategies import Layout, Tokens


@dataclass(frozen=True)
class Changed:
    """An index from which documents were removed.

    Attributes:
        index: the index.
        fresh: a new index of the live documents, with their numbers, in the shards that have any.
        reference: the reference for the live documents.
        states: the shards of the index.
    """

    index: infgram.Index
    fresh: _core.Index
    reference: ReferenceIndex
    states: list[_core.ShardState]


@contextmanager
def changed_index(
    documents: Sequence[Tokens],
    removals: Sequence[Collection[int]],
    *,
    vocab_size: int,
    layout: Layout,
    numbers: Sequence[int] | None = None,
) -> Iterator[Changed]:
    """Yield an index after some removals, each of documents given by their place.

    Args:
        documents: at least one of them remains.
        removals: the documents of each round, in order.
        vocab_size: valid ids are 0 to `vocab_size - 1`.
        layout: the shards hold about equally many documents.
        numbers: the numbers of the documents, ascending; None for consecutive ones.
    """
    numbers = range(len(documents)) if numbers is None else numbers
    removed = {document for some in removals for document in some}
    live = [document for document in range(len(documents)) if document not in removed]
    n_shards = min(layout.shards, len(documents))
    parts = [range(*pair) for pair in pairwise(len(documents) * s // n_shards for s in range(n_shards + 1))]
    with (
        temporary_folder(2 * sum(map(len, documents))) as folder,
        token_index(documents, vocab_size=vocab_size, layout=layout) as index,
    ):
        width = width_of(vocab_size, layout)
        states = [
            write_shard(folder / f"changed{s}", part, documents, numbers, vocab_size, width)
            for s, part in enumerate(parts)
        ]
        gone: set[int] = set()
        for generation, some in enumerate(removals, 1):
            gone |= set(some)
            for s, part in enumerate(parts):
                states[s] = remove(states[s], [d - part.start for d in part if d in gone], generation)
        fresh = [
            write_shard(folder / f"fresh{s}", [d for d in part if d in live], documents, numbers, vocab_size, width)
            for s, part in enumerate(parts)
            if set(part) & set(live)
        ]
        index._open_core = _core.Index(states)
        reference = ReferenceIndex([documents[d] for d in live], vocab_size, [numbers[d] for d in live])
        yield Changed(index, _core.Index(fresh), reference, states)


def write_shard(
    folder: Path,
    part: Sequence[int],
    documents: Sequence[Tokens],
    numbers: Sequence[int],
    vocab_size: int,
    width: int,
) -> _core.ShardState:
    """Write a shard of some documents, given by their places; with a file of numbers if they are not consecutive."""
    folder.mkdir()
    writer = _core.ShardWriter(folder, vocab_size, width)
    n, lengths = len(part), np.array([len(documents[d]) for d in part], dtype=np.int64)
    ids = np.array([token for d in part for token in documents[d]], dtype=np.uint32)
    writer.add_documents(ids, lengths, [b""] * n, [b""] * n, np.zeros(n, dtype=np.int64))
    own = np.array([numbers[d] for d in part], dtype=np.int64)
    has_numbers = bool((np.diff(own) != 1).any())
    writer.finish(own if has_numbers else None)
    _core.sort_shard(folder, 1, 1 << 26)
    return _core.ShardState(folder, int(own[0]), 0, has_numbers)


def remove(state: _core.ShardState, documents: Sequence[int], generation: int) -> _core.ShardState:
    """Write the removal of some documents of a shard, and return its new state; the old one if there are none."""
    if not documents:
        return state
    _core.write_removals(state, np.array(documents, dtype=np.int64), generation)
    return _core.ShardState(state.folder, state.first_document, generation, state.has_numbers)
