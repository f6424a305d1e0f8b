"""Parts: files of bounded size with tokenized documents, between the input and the shards.

A part consists of four files:

- `tokens`: the token ids of all documents, concatenated, little-endian, with the width of the index;
- `documents`: four 64-bit integers per document: its number of tokens, the size of its metadata in bytes, its line (0
  for none), and the offset in `sources` of the name of its file;
- `metadata`: the metadata of all documents, concatenated;
- `sources`: the names of files, each followed by a zero byte.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
import numpy.typing as npt

from infgram.errors import IndexDamagedError
from infgram.files.disk import storage_errors
from infgram.files.schema import hexadecimal, integer, record
from infgram.indexing.tokenize import EncodedBatch
from infgram.types import Int64Array

FILES: Final = ("tokens", "documents", "metadata", "sources")

_MOST_TOKENS: Final = 64_000_000
_MOST_METADATA_BYTES: Final = 256 << 20
_MOST_DOCUMENTS: Final = 4_000_000
MOST_PART_BYTES: Final = 4 * _MOST_TOKENS + _MOST_METADATA_BYTES + 32 * _MOST_DOCUMENTS  # except for one long document
_FIELDS: Final = 4  # columns of `documents`
_AT_ONCE: Final = 4_000_000  # tokens or bytes of metadata per batch
_DOCUMENTS_AT_ONCE: Final = 65_536
_CHUNK_BYTES: Final = 1 << 20
_END_OF_NAME: Final = b"\0"


@dataclass(frozen=True)
class StoredFile:
    """The size of a file and its SHA-256, in hexadecimal."""

    size_bytes: int
    sha256: str


@dataclass(frozen=True)
class PartEntry:
    """The entry of a part in its record; `files` has the names of `FILES` as keys."""

    n_tokens: int
    n_documents: int
    files: dict[str, StoredFile]


PART: Final = record(
    PartEntry,
    n_tokens=integer(0),
    n_documents=integer(0),
    files=record(
        dict[str, StoredFile],
        **{name: record(StoredFile, size_bytes=integer(0), sha256=hexadecimal(64)) for name in FILES},
    ),
)
"""The check of an entry."""


def part_file_name(split: int, part: int, file: str) -> str:
    """Return the name of a file of a part, in the folder of the unfinished build."""
    return f"parts/{split:06d}/{part:05d}.{file}"


class PartSequence:
    """Writes documents to consecutive parts. The first document that fills a part is its last.

    The content of a part depends only on the documents, so repeated tasks write the same files.
    """

    def __init__(self, folder: Path, token_width_bits: int, publish: Callable[[PartEntry], None]) -> None:
        """Start the first part.

        Args:
            folder: the folder for the files of the open part, which have the names of `FILES`.
            token_width_bits: 8, 16 or 32.
            publish: called with each complete part; its files may be removed afterwards.
        """
        self._folder, self._publish = folder, publish
        self._type = token_type(token_width_bits)
        self._open: dict[str, _HashedFile] = {}
        self._filled = np.zeros(3, np.int64)
        self._names = _Names()

    def add(self, batch: EncodedBatch) -> None:
        """Append documents.

        Raises:
            StorageError: the operating system reported an error.
        """
        n_documents = len(batch.lengths)
        sizes = np.fromiter(map(len, batch.metadata), np.int64, n_documents)
        names = np.fromiter(map(len, batch.sources), np.int64, n_documents)  # an upper bound; counted with the metadata
        ends = np.stack([np.cumsum(batch.lengths), np.cumsum(sizes + names), np.arange(1, n_documents + 1)])
        first, begin = 0, np.zeros(3, np.int64)
        while first < n_documents:
            room = begin + np.array([_MOST_TOKENS, _MOST_METADATA_BYTES, _MOST_DOCUMENTS]) - self._filled
            full = min(int(np.searchsorted(row, most)) for row, most in zip(ends, room, strict=True))
            last = min(full + 1, n_documents)
            end = ends[:, last - 1]
            part = batch.part(first, last)
            name_offsets, added = self._names.add(part.sources)
            with storage_errors(f"write {self._folder}"):
                self._write("tokens", part.token_ids.astype(self._type).data)
                documents = np.column_stack([part.lengths, sizes[first:last], part.lines, name_offsets])
                self._write("documents", documents.astype("<i8").data)
                self._write("metadata", b"".join(part.metadata))
                self._write("sources", added)
            self._filled += end - begin
            first, begin = last, end
            if full < last:
                self.close()

    def close(self) -> None:
        """Close and publish the open part, if any."""
        if self._open:
            with storage_errors(f"write {self._folder}"):
                files = {name: file.close() for name, file in self._open.items()}
            n_tokens, _, n_documents = self._filled.tolist()
            self._open, self._filled, self._names = {}, np.zeros(3, np.int64), _Names()
            self._publish(PartEntry(n_tokens, n_documents, files))

    def _write(self, name: str, data: Any) -> None:
        if name not in self._open:
            self._open[name] = _HashedFile(self._folder / name)
        self._open[name].write(data)


class _Names:
    """The content of `sources`. A name is not repeated if consecutive documents share it."""

    def __init__(self) -> None:
        self._last: bytes | None = None
        self._begin = self._end = 0

    def add(self, names: Sequence[bytes]) -> tuple[Int64Array, bytes]:
        """Return the offset of the name of each document, and the bytes to append."""
        offsets = np.zeros(len(names), np.int64)
        added: list[bytes] = []
        for number, name in enumerate(names):
            if name != self._last:
                added.append(name + _END_OF_NAME)
                self._last, self._begin, self._end = name, self._end, self._end + len(added[-1])
            offsets[number] = self._begin
        return offsets, b"".join(added)


class _HashedFile:
    """A new file that is hashed while it is written."""

    def __init__(self, path: Path) -> None:
        path.unlink(missing_ok=True)  # it may be a hard link to a file in storage
        self._file: IO[bytes] = open(path, "wb")  # noqa: SIM115  # closed by `close`
        self._digest = hashlib.sha256()

    def write(self, data: Any) -> None:
        self._file.write(data)
        self._digest.update(data)

    def close(self) -> StoredFile:
        size_bytes = self._file.tell()
        self._file.close()
        return StoredFile(size_bytes, self._digest.hexdigest())


def token_type(token_width_bits: int) -> np.dtype[np.unsignedinteger[Any]]:
    """Return the type of the tokens of a part."""
    return np.dtype(f"<u{token_width_bits // 8}")


def check_file(path: Path, expected: StoredFile, place: str) -> None:
    """Check a file against its record.

    Raises:
        IndexDamagedError: the file differs; the message names `place`, expected and found.
        StorageError: the file cannot be read.
    """
    advice = "run the same command again to read this part of the input again"
    digest, size_bytes = hashlib.sha256(), 0
    if not path.exists():
        raise IndexDamagedError(f"{place} is missing, expected {expected.size_bytes} bytes; {advice}")
    with storage_errors(f"read {path}"), open(path, "rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
            size_bytes += len(chunk)
    found = StoredFile(size_bytes, digest.hexdigest())
    if found != expected:
        raise IndexDamagedError(
            f"{place} has {found.size_bytes} bytes with the SHA-256 {found.sha256}, expected {expected.size_bytes} "
            f"bytes with {expected.sha256}; {advice}"
        )


def documents_of(data: bytes | npt.NDArray[np.uint8]) -> Int64Array:
    """Parse the file `documents`: one row per document, with its number of tokens first."""
    return np.frombuffer(data, "<i8").astype(np.int64).reshape(-1, _FIELDS)


def read_part(files: dict[str, Path], token_width_bits: int, first: int, last: int) -> Iterator[EncodedBatch]:
    """Read the documents `[first, last)` of a part in batches.

    Args:
        files: the path of each file of `FILES`.
        token_width_bits: 8, 16 or 32.
        first: the first document, from 0.
        last: the end of the documents, exclusive.

    Raises:
        StorageError: a file cannot be read.
    """
    with storage_errors(f"read {files['tokens'].parent}"):
        tokens, documents, metadata, sources = (_mapped(files[name]) for name in FILES)
    ids = tokens.view(token_type(token_width_bits))
    rows = documents_of(documents)
    ends = np.cumsum(rows[:, :2], axis=0)
    names = sources.tobytes()
    while first < last:
        begin = ends[first - 1] if first else np.zeros(2, np.int64)
        full = min(int(np.searchsorted(ends[:, column], begin[column] + _AT_ONCE)) for column in (0, 1))
        until = min(full + 1, first + _DOCUMENTS_AT_ONCE, last)
        end = ends[until - 1]
        cuts = [int(begin[1]), *ends[first:until, 1].tolist()]
        texts = metadata[cuts[0] : cuts[-1]].tobytes()
        pieces = [texts[a - cuts[0] : b - cuts[0]] for a, b in pairwise(cuts)]
        lengths, _, lines, name_offsets = rows[first:until].T.copy()
        of_each = [names[offset : names.index(_END_OF_NAME, offset)] for offset in name_offsets.tolist()]
        yield EncodedBatch(ids[begin[0] : end[0]].astype(np.uint32), lengths, pieces, of_each, lines)
        first = until


def _mapped(path: Path) -> npt.NDArray[np.uint8]:
    if path.stat().st_size == 0:
        return np.zeros(0, np.uint8)
    return np.memmap(path, np.uint8, "r")
