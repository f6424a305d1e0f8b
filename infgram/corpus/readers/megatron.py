r"""Megatron's indexed data sets: `.bin` holds the tokens, `.idx` the sequences and their grouping into documents.

The layout of the index, little-endian: the magic `MMIDIDX\0\0`; uint64 version, 1; uint8 code of the integer type;
uint64 number of sequences; uint64 number of entries in the document list; int32 length of each sequence in tokens;
int64 byte offset of each sequence in `.bin`; int64 document list (the first sequence of each document, then the number
of sequences); optionally int8 mode of each sequence.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from infgram.corpus.readers.token_arrays import StoredIds, TokenBatch, TokenType, checked_ids
from infgram.errors import InputError

_MAGIC: Final = b"MMIDIDX\x00\x00"
_HEADER: Final = struct.Struct("<9sQBQQ")
_INTEGER_TYPES: Final = {1: "<u1", 2: "<i1", 3: "<i2", 4: "<i4", 5: "<i8", 8: "<u2"}
_BLOCK: Final = 1 << 20  # sequences or documents that are checked together


class MegatronFile:
    """The documents of a `.bin` file with its `.idx` file; the index is memory-mapped.

    Attributes:
        n_bytes_read: bytes of the `.bin` file read so far.
    """

    def __init__(self, path: Path, dtype: TokenType | None, vocab_size: int, end_of_text: int | None) -> None:
        """Open both files and check all lengths against the file sizes.

        Raises:
            InputError: a file is inconsistent with itself, with the other file or with `dtype`.
        """
        self.n_bytes_read = 0
        self._path = path
        self._index_path = path.with_suffix(".idx")
        self._vocab_size = vocab_size
        self._end_of_text = end_of_text
        type_, n_sequences, n_entries = self._read_header(dtype)
        lengths = self._section("<i4", n_sequences, _HEADER.size)
        self._offsets = self._section("<i8", n_sequences, _HEADER.size + 4 * n_sequences)
        self._documents = self._section("<i8", n_entries, _HEADER.size + 12 * n_sequences)
        self._check_sequences(lengths, np.dtype(type_).itemsize)
        self._check_documents(n_sequences)
        self._stored = StoredIds(path, type_, 0, path.stat().st_size // np.dtype(type_).itemsize)

    def batches(self, batch_tokens: int) -> Iterator[TokenBatch]:
        """Yield whole documents of at most `batch_tokens` tokens in total, and longer documents in pieces.

        The index determines the documents, empty documents included. An end-of-text id at the end of a document is
        dropped.

        Raises:
            InputError: a token id is outside the vocabulary.
        """
        n_documents = len(self._documents) - 1
        for block in range(0, n_documents, _BLOCK):
            bounds = self._bounds(block, min(block + _BLOCK, n_documents))
            first = 0
            while first < len(bounds) - 1:
                last = int(np.searchsorted(bounds, bounds[first] + batch_tokens, side="right")) - 1
                if last > first:
                    yield self._whole(bounds[first : last + 1])
                else:
                    last = first + 1
                    yield from self._pieces(int(bounds[first]), int(bounds[last]), batch_tokens)
                first = last
                self.n_bytes_read = int(bounds[first]) * self._stored.itemsize

    def _whole(self, bounds: npt.NDArray[np.int64]) -> TokenBatch:
        begin = int(bounds[0])
        stored = self._stored.read(begin, int(bounds[-1]))
        lengths = np.diff(bounds)
        if self._end_of_text is not None:
            ends = bounds[1:][lengths > 0] - begin - 1
            dropped = ends[stored[ends] == self._end_of_text]
            lengths[np.searchsorted(bounds, dropped + begin, side="right") - 1] -= 1
            is_token = np.ones(len(stored), dtype=np.bool_)
            is_token[dropped] = False
            return TokenBatch(checked_ids(stored, begin, str(self._path), self._vocab_size, is_token), lengths)
        return TokenBatch(checked_ids(stored, begin, str(self._path), self._vocab_size), lengths)

    def _pieces(self, begin: int, end: int, batch_tokens: int) -> Iterator[TokenBatch]:
        if self._end_of_text is not None and int(self._stored.read(end - 1, end)[0]) == self._end_of_text:
            end -= 1
        for at in range(begin, end, batch_tokens):
            stored = self._stored.read(at, min(at + batch_tokens, end))
            ids = checked_ids(stored, at, str(self._path), self._vocab_size)
            yield TokenBatch.piece(ids, continues=at > begin)
            self.n_bytes_read = at * self._stored.itemsize

    def _bounds(self, first: int, last: int) -> npt.NDArray[np.int64]:
        """Return the positions at which the documents `[first, last)` begin, and the end of the last one."""
        sequences = np.asarray(self._documents[first : last + 1])
        bounds = np.full(len(sequences), len(self._stored), dtype=np.int64)
        is_inside = sequences < len(self._offsets)
        bounds[is_inside] = self._offsets[sequences[is_inside]] // self._stored.itemsize
        return bounds

    def _read_header(self, dtype: TokenType | None) -> tuple[str, int, int]:
        """Return the integer type, the number of sequences and the number of entries in the document list."""
        n_bytes = self._index_path.stat().st_size
        with self._index_path.open("rb") as file:
            header = file.read(_HEADER.size)
        if len(header) < _HEADER.size or not header.startswith(_MAGIC):
            raise self._error("the magic MMIDIDX and a header of 34 bytes", f"{header[:9]!r} in {n_bytes} bytes")
        _, version, code, n_sequences, n_entries = _HEADER.unpack(header)
        if version != 1:
            raise self._error("version 1", f"version {version}")
        if code not in _INTEGER_TYPES:
            raise self._error(f"a code of an integer type ({', '.join(map(str, _INTEGER_TYPES))})", f"code {code}")
        type_ = _INTEGER_TYPES[code]
        if dtype is not None and np.dtype(type_) != np.dtype(dtype):
            raise self._error(f"{dtype}, as given by dtype", f"{np.dtype(type_)}; leave dtype out")
        expected = _HEADER.size + 12 * n_sequences + 8 * n_entries
        if n_bytes not in (expected, expected + n_sequences):  # with a mode for each sequence
            raise self._error(
                f"{expected} bytes for {n_sequences} sequences and {n_entries} document entries", f"{n_bytes} bytes"
            )
        return type_, n_sequences, n_entries

    def _section(self, type_: str, n_entries: int, offset: int) -> npt.NDArray[Any]:
        if n_entries == 0:
            return np.empty(0, type_)
        return np.memmap(self._index_path, type_, "r", offset=offset, shape=(n_entries,))

    def _check_sequences(self, lengths: npt.NDArray[Any], width: int) -> None:
        """Check that the sequences are contiguous and fill the `.bin` file."""
        n_bytes = 0
        for begin in range(0, len(lengths), _BLOCK):
            block = np.asarray(lengths[begin : begin + _BLOCK], dtype=np.int64)
            ends = n_bytes + np.cumsum(block) * width
            wrong = (block < 0) | (self._offsets[begin : begin + _BLOCK] != ends - block * width)
            if wrong.any():
                at = int(np.flatnonzero(wrong)[0])
                raise self._error(
                    f"sequence {begin + at} at byte {int(ends[at] - block[at] * width)}, the end of the previous one",
                    f"{int(block[at])} tokens at byte {int(self._offsets[begin + at])}",
                )
            n_bytes = int(ends[-1])
        found = self._path.stat().st_size
        if found != n_bytes:
            raise InputError(
                f"{self._path}: the file has {found} bytes, but its index expects {n_bytes}; the file is truncated or "
                "the index belongs to another file"
            )

    def _check_documents(self, n_sequences: int) -> None:
        """Check that the document list ascends from 0 to the number of sequences."""
        if len(self._documents) == 0 or self._documents[0] != 0 or self._documents[-1] != n_sequences:
            ends = "nothing" if len(self._documents) == 0 else f"{self._documents[0]} to {self._documents[-1]}"
            raise self._error(f"a document list from 0 to {n_sequences}", ends)
        for begin in range(0, len(self._documents), _BLOCK):
            falls = np.flatnonzero(np.diff(self._documents[begin : begin + _BLOCK + 1]) < 0)
            if len(falls):
                raise self._error("an ascending document list", f"a descent at entry {begin + int(falls[0]) + 1}")

    def _error(self, expected: str, found: str) -> InputError:
        return InputError(f"{self._index_path}: expected {expected}; found {found}")
