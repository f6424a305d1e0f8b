"""What a gate may look at: counts of the index at each position of a text."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from infgram.arguments import at_least, callback, several
from infgram.errors import QueryError
from infgram.index import Index
from infgram.lm.models.contexts import contexts_of, tokens_of
from infgram.lm.types import SuffixFeatures
from infgram.types import Query

LADDER = (1, 2, 3, 4, 5, 6, 8, 12, 16, 24, 32)


def suffix_features(
    index: Index,
    documents: Iterable[Query],
    *,
    lengths: Sequence[int] = LADDER,
    progress: Callable[[int], None] | None = None,
) -> SuffixFeatures:
    """Counts at the longest suffix and at a ladder of lengths, for every token of each document but its first.

    Some microseconds a position, less where contexts were met before.

    Args:
        index: an open index.
        documents: text or token ids, one document after the other.
        lengths: of the ladder, ascending, at least 1.
        progress: called after each document with the positions done.

    Raises:
        QueryError: a token id is outside the vocabulary, or lengths are none or do not ascend from 1 at least.
    """
    ladder = tuple(at_least(length, 1, "a length of the ladder") for length in several(lengths, "lengths", "lengths"))
    if not ladder or any(left >= right for left, right in itertools.pairwise(ladder)):
        raise QueryError(f"lengths are {ladder}; expected one at least, ascending")
    callback(progress, "progress")
    tree = contexts_of(index)
    parts = []
    starts = [0]
    for document in several(documents, "documents"):
        parts.append(tree.features(tokens_of(index, document), ladder))
        starts.append(starts[-1] + len(parts[-1][0]))
        if progress is not None:
            progress(starts[-1])
    columns = [np.concatenate([np.empty(0, np.int64), *column]) for column in zip(*parts, strict=True)]
    lengths_found, counts, distinct, continuations, likeliest, *rungs = columns or [np.empty(0, np.int64)] * 9
    rungs = [rows.reshape(-1, len(ladder)) for rows in rungs]
    return SuffixFeatures(
        suffix_lengths=lengths_found,
        context_counts=counts,
        n_distinct=distinct,
        continuation_counts=continuations,
        likeliest_counts=likeliest,
        lengths=ladder,
        ladder_context_counts=rungs[0],
        ladder_n_distinct=rungs[1],
        ladder_continuation_counts=rungs[2],
        ladder_likeliest_counts=rungs[3],
        document_starts=np.array(starts, dtype=np.int64),
    )
