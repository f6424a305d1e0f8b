"""Answers of several parts of an index made into one; pure NumPy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce

import numpy as np

from infgram.engine import Rows
from infgram.types import Int64Array


def merged_rows(parts: Iterable[Rows]) -> Rows:
    """The rows of all parts, ascending by id, with their counts added up. O(rows · log rows)."""
    ids, counts, context_counts, _ = zip(*parts, strict=True)
    distinct, places = np.unique(np.concatenate(ids), return_inverse=True)
    sums = np.zeros(len(distinct), dtype=np.int64)
    np.add.at(sums, places, np.concatenate(counts))
    return distinct, sums, sum(context_counts), len(distinct)


def merged_pairs(
    parts: Iterable[tuple[Int64Array, Int64Array, Int64Array]],
) -> tuple[Int64Array, Int64Array, Int64Array]:
    """The pairs of numbers of all parts, ascending, with their counts added up. O(pairs · log pairs)."""
    first, second, counts = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    distinct, places = np.unique(np.stack((first, second)), axis=1, return_inverse=True)
    sums = np.zeros(distinct.shape[1], dtype=np.int64)
    np.add.at(sums, places.reshape(-1), counts)
    return distinct[0], distinct[1], sums


def top_rows(rows: Rows, top_k: int | None) -> Rows:
    """The rows of largest count, by falling count, ties to the smaller id; all as they are for None."""
    if top_k is None:
        return rows
    ids, counts, context_count, n_distinct = rows
    kept = np.lexsort((ids, -counts))[:top_k]
    return ids[kept], counts[kept], context_count, n_distinct


def sum_of_longest(
    parts: Sequence[tuple[Int64Array, Sequence[Int64Array]]],
) -> tuple[Int64Array, list[Int64Array]]:
    """Position by position: the greatest length, and the sums of the values of the parts that reach it.

    Args:
        parts: of each the lengths, and the rows of values.

    Returns:
        The lengths, and the rows of sums.
    """
    longest = reduce(np.maximum, (lengths for lengths, _ in parts))
    sums = [np.zeros(len(longest), dtype=np.int64) for _ in parts[0][1]]
    for lengths, values in parts:
        reaches = lengths == longest
        for total, row in zip(sums, values, strict=True):
            total[reaches] += row[reaches]
    return longest, sums


def longest_by_sums(stairs: Sequence[Sequence[tuple[int, int]]], min_count: int) -> int:
    """The longest suffix that occurs `min_count` times over all parts.

    Args:
        stairs: of each part (length, count), shorter and shorter, oftener and oftener. A suffix occurs as often as the
            shortest of the stairs that are at least as long; the last stair's count is that or more. Lengths of 0 and
            what comes after them do not count.
        min_count: at least 1. The last stair of a part reaches it, or every suffix that is shorter is the empty one.

    Returns:
        Its length; 0 if there is none.
    """
    lengths = sorted({length for stair in stairs for length, _ in stair if length}, reverse=True)
    for length in lengths:
        total = 0
        for stair in stairs:
            total += next((count for reach, count in reversed(stair) if reach >= length), 0)
        if total >= min_count:
            return length
    return 0
