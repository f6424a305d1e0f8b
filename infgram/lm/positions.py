"""Positions of documents end to end: where each document's are."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import numpy as np

from infgram.types import Int64Array


def document_starts(documents: Iterable[Int64Array]) -> Int64Array:
    """Where each document's scored positions begin, and how many there are in all."""
    lengths = [max(0, len(document) - 1) for document in documents]
    return np.concatenate([[0], np.cumsum(np.array(lengths, dtype=np.int64))]).astype(np.int64)


def document_of(starts: Int64Array) -> Int64Array:
    """The number of the document that each position belongs to."""
    return np.repeat(np.arange(len(starts) - 1), np.diff(starts))


def spans(starts: Int64Array) -> Iterable[tuple[int, int]]:
    """The positions `[begin, end)` of each document."""
    return pairwise(starts.tolist())
