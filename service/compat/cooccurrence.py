"""Find where the clauses of an AND occur near each other.

An occurrence of a clause is a position at which one of its terms begins, counted once. The result counts the
occurrences of the rarest clause around which all others occur: clause by clause, from the rarest on, the nearest
occurrence to the left and to the right joins if it is at most `max_distance` tokens beyond the stretch joined so far.
An occurrence counts only if every clause joins it. All of them are in one document.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

import infgram

from .requests import Cnf, PublicError, Terms

MAX_OCCURRENCES: Final = 500_000
"""Maximum occurrences of one clause; more would take long, and sampling would not be exact."""

_OFFSET_BITS: Final = 34

Places = npt.NDArray[np.int64]
"""Rows of a document and an offset."""
Keys = npt.NDArray[np.int64]
"""Locations as ascending integers; documents, counted among those of all clauses, are so far apart that no distance
reaches across them."""


def cooccurrences(index: infgram.Index, cnf: Cnf, max_distance: int) -> list[infgram.Location]:
    """Return the leftmost location of each co-occurrence, in corpus order.

    Raises:
        PublicError: a clause occurs too often.
    """
    places = [_places(index, clause) for clause in cnf]
    documents = np.unique(np.concatenate([each[:, 0] for each in places]))
    clauses = sorted((_keys(each, documents) for each in places), key=len)
    first = last = clauses[0]
    for keys in clauses[1:]:
        first, last = _joined(first, last, keys, max_distance)
    numbers, offsets = documents[first >> _OFFSET_BITS], first & ((1 << _OFFSET_BITS) - 1)
    return [infgram.Location(*place) for place in zip(numbers.tolist(), offsets.tolist(), strict=True)]


def _joined(first: Keys, last: Keys, keys: Keys, max_distance: int) -> tuple[Keys, Keys]:
    """Extend each stretch `[first, last]` by the next clause; drop those that no occurrence joins."""
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


def _places(index: infgram.Index, clause: Terms) -> Places:
    count = int(index.count_batch(clause).sum())
    if count > MAX_OCCURRENCES:
        raise PublicError(
            f"A clause occurs {count} times; this server joins clauses of at most {MAX_OCCURRENCES} "
            "occurrences, and does not sample!"
        )
    return np.concatenate([np.array(index.locate(term), dtype=np.int64).reshape(-1, 2) for term in clause])


def _keys(places: Places, documents: npt.NDArray[np.int64]) -> Keys:
    return np.unique((np.searchsorted(documents, places[:, 0]) << _OFFSET_BITS) | places[:, 1])
