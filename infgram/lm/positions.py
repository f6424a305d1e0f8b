"""Token ids of documents, and the positions of each document among those of all."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import numpy as np

from infgram.arguments import array, several
from infgram.errors import QueryError
from infgram.types import Int64Array


def checked_token_ids(tokens: Any, name: str, vocab_size: int) -> Int64Array:
    """Return token ids as int64.

    Raises:
        QueryError: `tokens` is not a sequence of integers, or one is outside the vocabulary.
    """
    ids: Int64Array = array(tokens, name, kinds="iu", ndim=1, expected="a sequence of token ids")
    if len(ids) and not 0 <= ids.min() <= ids.max() < vocab_size:
        raise QueryError(f"{name} contains a token id outside the vocabulary; ids go from 0 to {vocab_size - 1}")
    return ids.astype(np.int64)


def checked_documents(documents: Iterable[Any], vocab_size: int) -> list[Int64Array]:
    """Return the token ids of each document as int64.

    Raises:
        QueryError: as for `checked_token_ids`, or `documents` is a single document.
    """
    given = several(documents, "documents", "sequences of token ids")
    return [checked_token_ids(document, f"document {number}", vocab_size) for number, document in enumerate(given)]


def document_starts(documents: Iterable[Int64Array]) -> Int64Array:
    """Return the first position of each document, and the number of positions: int64, n_documents + 1."""
    lengths = [max(0, len(document) - 1) for document in documents]
    return np.concatenate([[0], np.cumsum(np.array(lengths, dtype=np.int64))]).astype(np.int64)


def document_of(starts: Int64Array) -> Int64Array:
    """Return the document number of each position: int64."""
    return np.repeat(np.arange(len(starts) - 1), np.diff(starts))


def spans(starts: Int64Array) -> Iterable[tuple[int, int]]:
    """Return the positions `[begin, end)` of each document."""
    return pairwise(starts.tolist())
