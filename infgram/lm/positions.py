"""Positions of documents end to end: where each document's are."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import numpy as np

from infgram.arguments import array, several
from infgram.errors import QueryError
from infgram.types import Int64Array


def checked_token_ids(tokens: Any, name: str, vocab_size: int) -> Int64Array:
    """Token ids as int64.

    Raises:
        QueryError: they are none, or one is outside the vocabulary.
    """
    ids: Int64Array = array(tokens, name, kinds="iu", ndim=1, expected="a sequence of token ids")
    if len(ids) and not 0 <= ids.min() <= ids.max() < vocab_size:
        raise QueryError(f"{name} holds a token id outside the vocabulary: ids go from 0 to {vocab_size - 1}")
    return ids.astype(np.int64)


def checked_documents(documents: Iterable[Any], vocab_size: int) -> list[Int64Array]:
    """The token ids of each document.

    Raises:
        QueryError: as `checked_token_ids`, or there is one document instead of several.
    """
    given = several(documents, "documents", "sequences of token ids")
    return [checked_token_ids(document, f"document {number}", vocab_size) for number, document in enumerate(given)]


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
