"""The checks at the border: is this text, are these token ids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from infgram.errors import QueryError
from infgram.types import Int64Array


def utf8(text: str, where: str = "the text") -> bytes:
    """The UTF-8 bytes of a text.

    Args:
        text: what to encode.
        where: what to call it in the message.

    Raises:
        QueryError: it is not a string, or it holds a lone surrogate.
    """
    if not isinstance(text, str):
        raise QueryError(f"{where} is of type {type(text).__name__}; expected a string (str)")
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        found = f"the lone surrogate U+{ord(text[error.start]):04X} at character {error.start}"
        raise QueryError(f"{where} holds {found}, which UTF-8 cannot carry; remove or replace it") from error


def valid_token_ids(token_ids: Sequence[int] | npt.NDArray[np.integer[Any]], vocab_size: int) -> Int64Array:
    """Token ids as an int64 array.

    Raises:
        QueryError: not a sequence of integers, or an id outside 0 .. vocab_size - 1.
    """
    if isinstance(token_ids, bytes | bytearray | memoryview):
        raise QueryError(f"token ids are of type {type(token_ids).__name__}; expected a sequence of integers")
    try:
        array = np.asarray(token_ids)
        if array.dtype.kind == "f" and not isinstance(token_ids, np.ndarray):
            array = np.asarray(token_ids, dtype=object)  # NumPy makes floats of [0, 2**63]
    except ValueError:  # rows of unequal length
        array = np.empty((0, 0))
    if array.ndim == 1 and array.size == 0:
        return np.empty(0, dtype=np.int64)
    if array.ndim != 1 or not _holds_integers(array):
        raise QueryError(f"token ids must be a flat sequence of integers; found {token_ids!r:.80}")
    for found in (array.min(), array.max()):
        if not 0 <= found < vocab_size:
            raise QueryError(f"token id {found} is not in the vocabulary; expected 0 to {vocab_size - 1}")
    return array.astype(np.int64)


def _holds_integers(array: npt.NDArray[Any]) -> bool:
    if array.dtype.kind == "O":  # integers beyond 64 bits, or anything
        return all(isinstance(item, int) for item in array)
    return array.dtype.kind in "iu"
