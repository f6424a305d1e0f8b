"""Validation of texts and token ids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from infgram.errors import QueryError
from infgram.types import Int64Array


def utf8(text: str, where: str = "the text") -> bytes:
    """Return the UTF-8 bytes of a text.

    Args:
        text: the text to encode.
        where: the name of the text in the error message.

    Raises:
        QueryError: the text is not a string, or contains a lone surrogate.
    """
    if not isinstance(text, str):
        raise QueryError(f"{where} is of type {type(text).__name__}; expected a string (str)")
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        surrogate = f"the lone surrogate U+{ord(text[error.start]):04X} at character {error.start}"
        raise QueryError(f"{where} contains {surrogate}, which UTF-8 cannot encode; remove or replace it") from error


def valid_token_ids(token_ids: Sequence[int] | npt.NDArray[np.integer[Any]], vocab_size: int) -> Int64Array:
    """Return token ids as an int64 array.

    Raises:
        QueryError: the value is not a sequence of integers, or an id is outside 0 to vocab_size - 1.
    """
    if isinstance(token_ids, bytes | bytearray | memoryview):
        raise QueryError(f"token ids are of type {type(token_ids).__name__}; expected a sequence of integers")
    try:
        array = np.asarray(token_ids)
        if array.dtype.kind == "f" and not isinstance(token_ids, np.ndarray):
            array = np.asarray(token_ids, dtype=object)  # NumPy converts [0, 2**63] to floats
    except ValueError:  # rows of unequal length
        array = np.empty((0, 0))
    if array.ndim == 1 and array.size == 0:
        return np.empty(0, dtype=np.int64)
    if array.ndim != 1 or not _holds_integers(array):
        raise QueryError(f"token ids must be a flat sequence of integers; found {token_ids!r:.80}")
    for extreme in (array.min(), array.max()):
        if not 0 <= extreme < vocab_size:
            raise QueryError(f"token id {extreme} is not in the vocabulary; expected 0 to {vocab_size - 1}")
    return array.astype(np.int64)


def _holds_integers(array: npt.NDArray[Any]) -> bool:
    if array.dtype.kind == "O":  # integers beyond 64 bits, or other objects
        return all(isinstance(item, int) for item in array)
    return array.dtype.kind in "iu"
