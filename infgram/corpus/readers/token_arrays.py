"""One array of token ids in a file: `.npy`, or raw integers without any header, as nanoGPT writes them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tokenize import TokenError
from typing import Any, Final, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from infgram.corpus.token_batches import TokenBatch, checked_ids
from infgram.errors import InputError

TokenType: TypeAlias = Literal["uint16", "uint32"]
_NPY_MAGIC: Final = b"\x93NUMPY"
_RAW_TYPES: Final = {"uint16": "<u2", "uint32": "<u4"}


class TokenArrayFile:
    """The documents of one array, which lie between end-of-text ids.

    Attributes:
        n_bytes_read: of the file, so far.
    """

    def __init__(self, path: Path, stored: npt.NDArray[Any], vocab_size: int, end_of_text: int | None) -> None:
        self.n_bytes_read = 0
        self._path = path
        self._stored = stored
        self._vocab_size = vocab_size
        self._end_of_text = end_of_text

    def batches(self, batch_tokens: int) -> Iterator[TokenBatch]:
        """Whole documents of together at most `batch_tokens`, and pieces of longer ones.

        Without an end-of-text id the file is one document. With one, it separates documents and is part of
        none; where two follow each other, or at either end of the file, there is no document between.

        Raises:
            InputError: an id is outside the vocabulary.
        """
        begin, is_open = 0, False
        while begin < len(self._stored) or (self._end_of_text is None and not is_open):
            ids = self._stored[begin : begin + batch_tokens]
            ends = np.flatnonzero(ids == self._end_of_text) if self._end_of_text is not None else np.empty(0, np.int64)
            is_last = begin + len(ids) == len(self._stored)
            if is_open or not (len(ends) or is_last):  # a piece: up to the document's end, or the whole stretch
                n = int(ends[0]) if len(ends) else len(ids)
                if n:
                    yield TokenBatch.piece(self._checked(ids[:n], begin), continues=is_open)
                is_open = not len(ends)
                begin += n + (not is_open)
            else:
                n = len(ids) if is_last else int(ends[-1]) + 1
                yield from self._whole(ids[:n], begin, ends)
                begin, is_open = begin + n, is_last
            self.n_bytes_read = begin * self._stored.itemsize

    def _whole(self, ids: npt.NDArray[Any], begin: int, ends: npt.NDArray[Any]) -> Iterator[TokenBatch]:
        if self._end_of_text is None:
            yield TokenBatch.piece(self._checked(ids, begin), continues=False)
            return
        lengths = np.diff(np.concatenate([[-1], ends, [len(ids)]])).astype(np.int64) - 1
        lengths = lengths[lengths > 0]
        if len(lengths):
            yield TokenBatch(self._checked(ids, begin), lengths)

    def _checked(self, ids: npt.NDArray[Any], begin: int) -> npt.NDArray[np.uint32]:
        """Without the end-of-text ids, which need not be in the vocabulary."""
        is_token = None if self._end_of_text is None else ids != self._end_of_text
        return checked_ids(ids, begin, str(self._path), self._vocab_size, is_token)


def map_npy(path: Path, dtype: TokenType | None) -> npt.NDArray[Any]:
    """The array of a `.npy` file, mapped.

    Raises:
        InputError: it is no such file, cut short, not one row of integers, or of another type than `dtype`.
    """
    array = _mapped(path)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise InputError(f"{path}: holds {array.dtype} of shape {array.shape}; expected one row of integers")
    if dtype is not None and array.dtype.newbyteorder("=") != np.dtype(dtype):
        raise InputError(f"{path}: its header says {array.dtype}, but dtype is {dtype!r}; leave dtype out")
    expected = array.offset + array.nbytes
    if path.stat().st_size != expected:
        raise InputError(f"{path}: {path.stat().st_size} bytes; its header says {expected}")
    return array


def _mapped(path: Path) -> np.memmap[Any, np.dtype[Any]]:
    """The array of a `.npy` file, of whatever type and shape.

    Raises:
        InputError: it has no header of NumPy's, or one that contradicts itself or the file.
    """
    try:
        with open(path, "rb") as file:
            magic = file.read(len(_NPY_MAGIC))
        array = np.lib.format.open_memmap(path, mode="r") if magic == _NPY_MAGIC else None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (ValueError, TypeError, KeyError, OverflowError, MemoryError, RecursionError, TokenError) as error:
        reason = "it holds Python objects" if "Python objects" in str(error) else "it is damaged or cut short"
        raise InputError(
            f"{path}: not a whole .npy file of integers: {reason}; write it again with numpy.save, from one row of "
            "integers"
        ) from error
    if array is None:
        raise InputError(
            f"{path}: not a .npy file: {'it has no header of NumPy' if magic else 'it is empty'}; if these are raw "
            f"token ids, rename it to {path.with_suffix('.bin').name} and give dtype='uint16' or 'uint32' "
            "(--dtype uint16)"
        )
    return array


def map_raw(path: Path, dtype: TokenType | None) -> npt.NDArray[Any]:
    """The integers of a file without header, mapped; little-endian.

    Raises:
        InputError: no type is given, or the size is not a multiple of it.
    """
    if dtype is None:
        raise InputError(
            f"{path}: raw tokens do not say how wide they are; give dtype='uint16' or 'uint32' "
            f"(or put the index {path.with_suffix('.idx').name} beside it, if Megatron wrote it)"
        )
    n_bytes = path.stat().st_size
    width = np.dtype(_RAW_TYPES[dtype]).itemsize
    if n_bytes % width:
        raise InputError(
            f"{path}: {n_bytes} bytes, expected a multiple of {width} for {dtype}: truncated, or not {dtype}"
        )
    if n_bytes == 0:
        return np.empty(0, dtype=_RAW_TYPES[dtype])
    return np.memmap(path, dtype=_RAW_TYPES[dtype], mode="r")
