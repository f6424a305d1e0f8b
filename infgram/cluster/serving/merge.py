"""Merge the answers of several groups of shards; pure NumPy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce

import numpy as np

from infgram.engine import Rows
from infgram.types import Int64Array


def merged_rows(parts: Iterable[Rows]) -> Rows:
    """Merge distributions: add the counts by token id, in ascending order of ids. O(rows · log rows)."""
    ids, counts, context_counts, _ = zip(*parts, strict=True)
    distinct, inverse = np.unique(np.concatenate(ids), return_inverse=True)
    sums = np.zeros(len(distinct), dtype=np.int64)
    np.add.at(sums, inverse, np.concatenate(counts))
    return distinct, sums, sum(context_counts), len(distinct)


def merged_pairs(
    parts: Iterable[tuple[Int64Array, Int64Array, Int64Array]],
) -> tuple[Int64Array, Int64Array, Int64Array]:
    """Merge counts of pairs: add them by pair, in ascending order of pairs. O(pairs · log pairs)."""
    first, second, counts = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    distinct, inverse = np.unique(np.stack((first, second)), axis=1, return_inverse=True)
    sums = np.zeros(distinct.shape[1], dtype=np.int64)
    np.add.at(sums, inverse.reshape(-1), counts)
    return distinct[0], distinct[1], sums


def top_rows(rows: Rows, top_k: int | None) -> Rows:
    """Return the `top_k` rows by descending count, ties by ascending id; all rows unchanged for None."""
    if top_k is None:
        return rows
    ids, counts, context_count, n_distinct = rows
    kept = np.lexsort((ids, -counts))[:top_k]
    return ids[kept], counts[kept], context_count, n_distinct


def sum_of_longest(
    parts: Sequence[tuple[Int64Array, Sequence[Int64Array]]],
) -> tuple[Int64Array, list[Int64Array]]:
    """Return the maximum length at each position, and the sums of the values of the parts with that length.

    Args:
        parts: the lengths of each part, and its arrays of values.

    Returns:
        The lengths, and the arrays of sums.
    """
    longest = reduce(np.maximum, (lengths for lengths, _ in parts))
    sums = [np.zeros(len(longest), dtype=np.int64) for _ in parts[0][1]]
    for lengths, values in parts:
        reaches = lengths == longest
        for total, row in zip(sums, values, strict=True):
            total[reaches] += row[reaches]
    return longest, sums


def longest_by_sums(suffix_counts: Sequence[Sequence[tuple[int, int]]], min_count: int) -> int:
    """Return the length of the longest suffix with a total count of at least `min_count` over all parts.

    Args:
        suffix_counts: the (length, count) pairs of each part, by descending length and ascending count. The count of a
            suffix is that of the shortest pair that is at least as long. Pairs with length 0, and any pairs after
            them, are ignored.
        min_count: at least 1. The last pair of a part either reaches it, or all shorter non-empty suffixes have
            the same count as that pair.

    Returns:
        The length; 0 if only the empty suffix qualifies.
    """
    lengths = sorted({length for pairs in suffix_counts for length, _ in pairs if length}, reverse=True)
    for length in lengths:
        total = 0
        for pairs in suffix_counts:
            total += next((count for reach, count in reversed(pairs) if reach >= length), 0)
        if total >= min_count:
            return length
    return 0
