"""Tokenised documents into shards on disk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from infgram import _core
from infgram.manifest import SectionEntry, ShardEntry
from infgram.types import Int64Array


class ShardSequence:
    """Writes documents into one shard after the other; a shard that holds `shard_tokens` tokens is closed.

    Documents are never split, so a shard may exceed the number by one document. One thread at a time.
    """

    def __init__(self, folder: Path, vocab_size: int, token_width_bits: int, shard_tokens: int) -> None:
        self._folder = folder
        self._vocab_size = vocab_size
        self._token_width_bits = token_width_bits
        self._shard_tokens = shard_tokens
        self._names: list[str] = []
        self._writer: _core.ShardWriter | None = None
        self.n_tokens = 0
        self.n_documents = 0

    def add(self, token_ids: npt.NDArray[np.uint32], lengths: Int64Array, metadata: Sequence[bytes]) -> None:
        """Append documents: their ids end to end, the length of each, the metadata of each as JSON.

        Raises:
            QueryError: an id is not below the vocabulary's size.
            StorageError: the operating system refused.
        """
        ends = np.cumsum(lengths)
        first = 0
        while first < len(lengths):
            writer = self._open_writer()
            begin = int(ends[first - 1]) if first else 0
            # The first document that fills the shard is its last.
            room = self._shard_tokens - writer.n_tokens
            last = min(int(np.searchsorted(ends, begin + room)) + 1, len(lengths))
            writer.add_documents(token_ids[begin : ends[last - 1]], lengths[first:last], list(metadata[first:last]))
            if writer.n_tokens >= self._shard_tokens:
                self._close_writer()
            first = last
        self.n_tokens += len(token_ids)
        self.n_documents += len(lengths)

    def finish(self) -> list[str]:
        """Publish the last shard. Returns the names of the shard folders."""
        self._close_writer()
        return self._names

    def _open_writer(self) -> _core.ShardWriter:
        if self._writer is None:
            name = f"shard-{len(self._names):05d}"
            (self._folder / name).mkdir()
            self._names.append(name)
            self._writer = _core.ShardWriter(self._folder / name, self._vocab_size, self._token_width_bits)
        return self._writer

    def _close_writer(self) -> None:
        if self._writer is not None:
            self._writer.finish()
            self._writer = None


def sort_shards(
    folder: Path, names: Sequence[str], threads: int, progress: Callable[[int], None]
) -> tuple[ShardEntry, ...]:
    """Write each shard's suffix array; `progress` is told how many tokens are sorted.

    Returns:
        The manifest's entries.
    """
    entries: list[ShardEntry] = []
    n_sorted = 0
    for name in names:
        _core.sort_shard(folder / name, threads, _from(n_sorted, progress))
        entry = _entry(folder, name)
        entries.append(entry)
        n_sorted += entry.n_tokens
        progress(n_sorted)
    return tuple(entries)


def _from(base: int, progress: Callable[[int], None]) -> Callable[[int], None]:
    return lambda n: progress(base + n)


def _entry(folder: Path, name: str) -> ShardEntry:
    shard = _core.Index([folder / name])
    sections = {file: SectionEntry(size, f"{checksum:016x}") for file, (size, checksum) in shard.sections()[0].items()}
    return ShardEntry(name, shard.n_tokens, shard.n_documents, sections)
