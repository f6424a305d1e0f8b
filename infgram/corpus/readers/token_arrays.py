"""Arrays of token ids: `.npy` files, and raw integers without a header, as nanoGPT writes them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from infgram.errors import InputError
from infgram.types import Int64Array


@dataclass(frozen=True)
class TokenBatch:
    """Whole documents, or one piece of a document that is longer than a batch.

    Attributes:
        token_ids: uint32, the documents concatenated.
        lengths: int64, the number of tokens of each document.
        continues: whether the batch continues the last document of the previous batch.
    """

    token_ids: npt.NDArray[np.uint32]
    lengths: Int64Array
    continues: bool = False

    @classmethod
    def piece(cls, token_ids: npt.NDArray[np.uint32], *, continues: bool) -> TokenBatch:
        """Return a batch of one piece."""
        return cls(token_ids, np.array([len(token_ids)], dtype=np.int64), continues)


def join_pieces(batches: Iterable[TokenBatch]) -> Iterator[TokenBatch]:
    """Join the pieces of long documents. Memory: the longest document."""
    pieces: list[TokenBatch] = []
    for batch in batches:
        if pieces and not batch.continues:
            yield _joined(pieces)
            pieces = []
        pieces.append(batch)
    if pieces:
        yield _joined(pieces)


def _joined(pieces: list[TokenBatch]) -> TokenBatch:
    if len(pieces) == 1:
        return pieces[0]
    return TokenBatch.piece(np.concatenate([piece.token_ids for piece in pieces]), continues=False)


def checked_ids(
    stored: npt.NDArray[Any],
    first: int,
    path: str,
    vocab_size: int,
    is_token: npt.NDArray[np.bool_] | None = None,
) -> npt.NDArray[np.uint32]:
    """Return a copy of stored token ids as uint32.

    Args:
        stored: integers of any width, as stored in the file.
        first: the position of the first one in the file, for messages.
        path: the file, for messages.
        vocab_size: token ids are from 0 to `vocab_size - 1`.
        is_token: a mask of the ids to return; None for all.

    Raises:
        InputError: a token id is outside the vocabulary.
    """
    taken = stored if is_token is None else stored[is_token]
    if taken.size and (int(taken.max()) >= vocab_size or int(taken.min()) < 0):
        outside = (stored >= vocab_size) | (stored < 0)
        at = int(np.flatnonzero(outside if is_token is None else outside & is_token)[0])
        raise InputError(
            f"{path}: the token id at position {first + at} is {int(stored[at])}, expected 0 to {vocab_size - 1}; "
            f"check the vocabulary size and the integer type {stored.dtype}"
        )
    return taken.astype(np.uint32)


TokenType: TypeAlias = Literal["uint16", "uint32"]
_NPY_MAGIC: Final = b"\x93NUMPY"
_RAW_TYPES: Final = {"uint16": "<u2", "uint32": "<u4"}


_LONGEST_HEADER: Final = 1 << 16
_DESCR: Final = re.compile(rb"'descr'\s*:\s*'([<>=|][A-Za-z]\d{1,9})'")
_SHAPE: Final = re.compile(rb"'shape'\s*:\s*\(([\d\s,L]{0,200})\)")
_SIZE: Final = re.compile(rb"\d+")
_INTEGERS: Final = re.compile(rb"[<>=|][iu][1248]")


class StoredIds:
    """The integers of a file, read in slices; a mapped file that shrinks would end the process.

    Attributes:
        itemsize: the bytes of an integer.
    """

    def __init__(self, path: Path, dtype: npt.DTypeLike, offset: int, n: int) -> None:
        """Refer to `n` integers from a byte offset; the file is opened for each slice."""
        self._path, self._dtype, self._offset, self._n = path, np.dtype(dtype), offset, n
        self.itemsize = self._dtype.itemsize

    def __len__(self) -> int:
        return self._n

    def read(self, begin: int, end: int) -> npt.NDArray[Any]:
        """Return the integers `[begin, end)`, of which those beyond the last are left out.

        Raises:
            InputError: the file has become shorter.
            OSError: the file cannot be read.
        """
        n = max(0, min(end, self._n) - begin)
        with open(self._path, "rb") as file:
            file.seek(self._offset + begin * self.itemsize)
            data = file.read(n * self.itemsize)
        if len(data) < n * self.itemsize:
            raise InputError(f"{self._path}: the file has become shorter while it was read; copy it again")
        return np.frombuffer(data, self._dtype)


class TokenArrayFile:
    """The documents of one array, separated by end-of-text ids.

    Attributes:
        n_bytes_read: bytes of the file read so far.
    """

    def __init__(self, path: Path, stored: StoredIds, vocab_size: int, end_of_text: int | None) -> None:
        self.n_bytes_read = 0
        self._path = path
        self._stored = stored
        self._vocab_size = vocab_size
        self._end_of_text = end_of_text

    def batches(self, batch_tokens: int) -> Iterator[TokenBatch]:
        """Yield whole documents of at most `batch_tokens` tokens in total, and longer documents in pieces.

        Without an end-of-text id the file is one document. An end-of-text id separates documents and belongs to
        neither; adjacent ids, and ids at either end of the file, do not make empty documents.

        Raises:
            InputError: a token id is outside the vocabulary.
        """
        begin, is_open = 0, False
        while begin < len(self._stored) or (self._end_of_text is None and not is_open):
            ids = self._stored.read(begin, begin + batch_tokens)
            ends = np.flatnonzero(ids == self._end_of_text) if self._end_of_text is not None else np.empty(0, np.int64)
            is_last = begin + len(ids) == len(self._stored)
            if is_open or not (len(ends) or is_last):  # a piece: up to the end of the document, or all of `ids`
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
        """Drop the end-of-text ids, which need not be in the vocabulary, and check the others."""
        is_token = None if self._end_of_text is None else ids != self._end_of_text
        return checked_ids(ids, begin, str(self._path), self._vocab_size, is_token)


def open_npy(path: Path, dtype: TokenType | None) -> StoredIds:
    """Open the array of a `.npy` file.

    Raises:
        InputError: the file is not a complete `.npy` file of one row of integers, or not of type `dtype`.
    """
    try:
        with open(path, "rb") as file:
            magic, header = _read_header(file)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    if magic != _NPY_MAGIC:
        raise InputError(
            f"{path}: not a .npy file: {'the NumPy header is missing' if magic else 'it is empty'}; if it holds raw "
            f"token ids, rename it to {path.with_suffix('.bin').name} and give dtype='uint16' or 'uint32' "
            "(--dtype uint16)"
        )
    type_, shape = _DESCR.search(header), _SHAPE.search(header)
    if type_ is None or shape is None:
        raise _incomplete(path, "it holds Python objects" if b"'|O'" in header else "it is damaged or truncated")
    sizes = [int(size) for size in _SIZE.findall(shape[1])]
    if _INTEGERS.fullmatch(type_[1]) is None or len(sizes) != 1:
        raise InputError(f"{path}: holds {type_[1].decode()} of shape {tuple(sizes)}; expected one row of integers")
    stored = np.dtype(type_[1].decode())
    if dtype is not None and stored.newbyteorder("=") != np.dtype(dtype):
        raise InputError(f"{path}: the type in its header is {stored}, but dtype is {dtype!r}; leave dtype out")
    offset = len(magic) + len(header)
    found, expected = path.stat().st_size, offset + sizes[0] * stored.itemsize
    if found < expected:
        raise _incomplete(path, "it is damaged or truncated")
    if found > expected:
        raise InputError(f"{path}: {found} bytes, expected {expected} by its header; copy the file again")
    return StoredIds(path, stored, offset, sizes[0])


def _incomplete(path: Path, reason: str) -> InputError:
    return InputError(
        f"{path}: not a complete .npy file of integers: {reason}; save one row of integers with numpy.save"
    )


def _read_header(file: IO[bytes]) -> tuple[bytes, bytes]:
    """Return the magic, and the rest of the header of a `.npy` file: version, length and a literal of Python.

    The literal is not evaluated, and what is longer than a header of one array is not read.
    """
    magic, version = file.read(len(_NPY_MAGIC)), file.read(2)
    size = file.read(2 if version[:1] == b"\x01" else 4)
    return magic, version + size + file.read(min(int.from_bytes(size, "little"), _LONGEST_HEADER))


def open_raw(path: Path, dtype: TokenType | None) -> StoredIds:
    """Open the little-endian integers of a file without a header.

    Raises:
        InputError: `dtype` is None, or the file size is not a multiple of its width.
    """
    if dtype is None:
        raise InputError(
            f"{path}: the integer type of a raw token file is unknown; give dtype='uint16' or 'uint32' "
            f"(or put the index {path.with_suffix('.idx').name} beside it if Megatron wrote the file)"
        )
    n_bytes = path.stat().st_size
    width = np.dtype(_RAW_TYPES[dtype]).itemsize
    if n_bytes % width:
        raise InputError(
            f"{path}: {n_bytes} bytes, expected a multiple of {width} for {dtype}; the file is truncated or not {dtype}"
        )
    return StoredIds(path, _RAW_TYPES[dtype], 0, n_bytes // width)
