"""Where the clauses of an AND stand near each other.

An occurrence of a clause is a place where one of its terms begins, counted once. What is counted are the occurrences
of the clause that occurs least, each with the occurrences of the others around it: clause by clause, from the rarest
on, the nearest one to the left and to the right joins if it stands at most `max_distance` tokens beyond what was
joined so far; an occurrence to which no occurrence of some clause can join does not count. All stand in one document.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

import infgram

from .requests import Cnf, PublicError, Terms

MOST_OCCURRENCES: Final = 500_000
"""Of one clause; beyond, an answer would take long, and a sample would be wrong."""

_OFFSET_BITS: Final = 34
_MOST_DOCUMENTS: Final = 1 << 29

Keys = npt.NDArray[np.int64]
"""Places as integers, ascending: documents far apart, so that no distance reaches across."""


def cooccurrences(index: infgram.Index, cnf: Cnf, max_distance: int) -> list[infgram.Location]:
    """The leftmost place of each co-occurrence, in the order of the corpus.

    Raises:
        PublicError: a clause occurs too often.
    """
    clauses = sorted((_keys(index, clause) for clause in cnf), key=len)
    first = last = clauses[0]
    for keys in clauses[1:]:
        first, last = _joined(first, last, keys, max_distance)
    mask = (1 << _OFFSET_BITS) - 1
    return [infgram.Location(key >> _OFFSET_BITS, key & mask) for key in first.tolist()]


def _joined(first: Keys, last: Keys, keys: Keys, max_distance: int) -> tuple[Keys, Keys]:
    """The stretches `[first, last]` that an occurrence of the next clause joins, grown by it."""
    if len(keys) == 0:
        return keys, keys
    left, right = np.searchsorted(keys, last) - 1, np.searchsorted(keys, first)
    left_keys, right_keys = keys[np.maximum(left, 0)], keys[np.minimum(right, len(keys) - 1)]
    joins_left = (left >= 0) & (left_keys >= first - max_distance)
    joins_right = (right < len(keys)) & (right_keys <= last + max_distance)
    joins = joins_left | joins_right
    grown_first = np.where(joins_left, np.minimum(first, left_keys), first)
    grown_last = np.where(joins_right, np.maximum(last, right_keys), last)
    return grown_first[joins], grown_last[joins]


def _keys(index: infgram.Index, clause: Terms) -> Keys:
    counts = index.count_batch(clause)
    if int(counts.sum()) > MOST_OCCURRENCES or index.n_documents > _MOST_DOCUMENTS:
        raise PublicError(
            f"A clause occurs {int(counts.sum())} times; this server joins clauses of at most {MOST_OCCURRENCES} "
            "occurrences, since it does not sample!"
        )
    places = [np.array(index.locate(term), dtype=np.int64).reshape(-1, 2) for term in clause]
    both = np.concatenate(places)
    return np.unique((both[:, 0] << _OFFSET_BITS) | both[:, 1])
