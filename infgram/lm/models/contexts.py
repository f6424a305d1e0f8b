"""Contexts of an index: their counts for n-gram models and for a gate, cached for all models of the index."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Final
from weakref import WeakKeyDictionary

import numpy as np

from infgram import _core
from infgram.arguments import at_least, callback, checked_threads, several
from infgram.errors import QueryError
from infgram.index import Index, checked_index, engine_of, query_tokens
from infgram.lm.types import SuffixFeatures
from infgram.types import Query

MEMORY_BYTES: Final = 512 * 2**20
"""Approximate memory limit of the cached contexts of one index; the cache is emptied when it is reached."""

FEW_OCCURRENCES: Final = 32
"""Contexts with at most this number of occurrences are read from the index each time instead of being cached."""

LADDER: Final = (1, 2, 3, 4, 5, 6, 8, 12, 16, 24, 32)
"""Suffix lengths at which `suffix_features` counts by default."""

_trees: WeakKeyDictionary[Index, _core.ContextTree] = WeakKeyDictionary()


def contexts_of(index: Index) -> _core.ContextTree:
    """Return the context tree of an open index, which is created on first use and shared by all its models.

    Raises:
        IndexClosedError: the index was closed.
        QueryError: the index is on other machines, or all its documents were deleted.
    """
    engine = engine_of(index)
    if not isinstance(engine, _core.Index):
        raise QueryError(f"{index!r} is on other machines; a language model needs its files: infgram.open(PATH)")
    if index.n_documents == 0:
        raise QueryError(f"{index!r} holds no document any more; a language model needs one")
    if index not in _trees:
        _trees[index] = _core.ContextTree(engine, MEMORY_BYTES, FEW_OCCURRENCES)
    return _trees[index]


def survey(index: Index, *, threads: int | None = None, progress: Callable[[int, int], None] | None = None) -> None:
    """Count the n-grams from which Kneser–Ney discounts are estimated, unless they were counted for this index.

    O(n): one pass over the index, about 0.1 µs per token and core. Models that need the counts call this themselves.

    Args:
        index: an open index.
        threads: worker threads; None for all cores.
        progress: called repeatedly with the finished and the total number of tokens.
    """
    callback(progress, "progress")
    n_threads = checked_threads(threads)
    n_tokens = checked_index(index).n_tokens
    contexts_of(index).survey(n_threads, None if progress is None else lambda n_done: progress(n_done, n_tokens))


def suffix_features(
    index: Index,
    documents: Iterable[Query],
    *,
    lengths: Sequence[int] = LADDER,
    progress: Callable[[int], None] | None = None,
) -> SuffixFeatures:
    """Count the context of every token of each document but its first, at its longest suffix and at fixed lengths.

    Takes some microseconds per position, less for contexts that are cached.

    Args:
        index: an open index.
        documents: text or token ids of each document.
        lengths: suffix lengths, ascending, at least 1.
        progress: called after each document with the number of finished positions.

    Raises:
        QueryError: a token id is outside the vocabulary, or `lengths` is empty or not ascending.
    """
    fixed = tuple(at_least(length, 1, "a suffix length") for length in several(lengths, "lengths", "lengths"))
    if not fixed or any(left >= right for left, right in itertools.pairwise(fixed)):
        raise QueryError(f"lengths are {fixed}; expected at least one length, in ascending order")
    callback(progress, "progress")
    tree = contexts_of(index)
    parts = []
    starts = [0]
    for document in several(documents, "documents"):
        parts.append(tree.features(query_tokens(index, document), fixed))
        starts.append(starts[-1] + len(parts[-1][0]))
        if progress is not None:
            progress(starts[-1])
    columns = [np.concatenate([np.empty(0, np.int64), *column]) for column in zip(*parts, strict=True)]
    suffix_lengths, counts, n_distinct, continuations, top, *flat = columns or [np.empty(0, np.int64)] * 9
    by_length = [values.reshape(-1, len(fixed)) for values in flat]
    return SuffixFeatures(
        suffix_lengths=suffix_lengths,
        context_counts=counts,
        n_distinct=n_distinct,
        continuation_counts=continuations,
        top_counts=top,
        lengths=fixed,
        fixed_context_counts=by_length[0],
        fixed_n_distinct=by_length[1],
        fixed_continuation_counts=by_length[2],
        fixed_top_counts=by_length[3],
        document_starts=np.array(starts, dtype=np.int64),
    )
