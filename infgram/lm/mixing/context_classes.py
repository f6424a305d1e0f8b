"""Classes of contexts: which positions share their weights."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

import numpy as np

from infgram.errors import QueryError
from infgram.lm.mixing.evidence import Evidence
from infgram.types import Int64Array

Grouping: TypeAlias = Literal["one", "sparse", "class"]
"""One class for all; the paper's two; or by effective n, count and distinct continuations."""

LENGTHS: Final = (0, 1, 2, 3, 4, 5, 7, 11, 15, 31)
"""Suffix lengths up to each of these make a class; longer ones the last."""

_COUNTS: Final = (1, 2, 7, 31, 255)
_SHARES: Final = (0.25, 0.5, 0.999)  # distinct rows over occurrences
_N_COUNTS: Final = len(_COUNTS) + 1
_N_KINDS: Final = len(_SHARES) + 2


def class_levels(evidence: Evidence, grouping: Grouping) -> list[Int64Array]:
    """The class of every position, from the widest classes to the narrowest, each inside one of the level before.

    Raises:
        QueryError: classes are asked for without what the index knows of the contexts.
    """
    all_one = np.zeros(evidence.n_positions, dtype=np.int64)
    if grouping == "one":
        return [all_one]
    suffixes = evidence.suffixes
    if suffixes is None:
        raise QueryError(f"weights by {grouping!r} need the suffixes of the contexts; pass suffixes to Evidence")
    sparse = (suffixes.n_distinct == 1).astype(np.int64)
    if grouping == "sparse":
        return [sparse]
    lengths = length_class(suffixes.suffix_lengths)
    counts = np.searchsorted(_COUNTS, suffixes.context_counts)
    shares = np.searchsorted(_SHARES, suffixes.n_distinct / np.maximum(suffixes.context_counts, 1))
    kinds = np.where(sparse, 0, 1 + shares)
    return [all_one, sparse, 2 * lengths + sparse, (lengths * _N_KINDS + kinds) * _N_COUNTS + counts]


def length_class(suffix_lengths: Int64Array) -> Int64Array:
    """The number of the class of each suffix length."""
    return np.searchsorted(LENGTHS, suffix_lengths).astype(np.int64)


def length_class_name(number: int) -> str:
    """The effective n of a class, as `6` or `9–12`."""
    if number == len(LENGTHS):
        return f"{LENGTHS[-1] + 2}+"
    lowest = LENGTHS[number - 1] + 2 if number else 1
    highest = LENGTHS[number] + 1
    return str(lowest) if lowest == highest else f"{lowest}–{highest}"
