"""Write tokenized documents into shards, and sort the shards."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from infgram import _core
from infgram.files.disk import storage_errors
from infgram.files.sections import WRITTEN_BY_SORTING
from infgram.indexing.checkpoint import Checkpoint
from infgram.indexing.tokenize import EncodedBatch


class ShardSequence:
    """Writes documents into consecutive shards; a shard is closed once it has `shard_tokens` tokens.

    Documents are not split, so a shard may exceed `shard_tokens` by up to one document. Not thread-safe.

    Attributes:
        n_tokens: tokens of all shards, including those of an earlier, interrupted build.
        n_documents: documents of all shards, including those of an earlier, interrupted build.
        vocab_size: token ids are from 0 to `vocab_size - 1`.
        token_width_bits: 8, 16 or 32.
    """

    def __init__(self, checkpoint: Checkpoint, vocab_size: int, token_width_bits: int, shard_tokens: int) -> None:
        """Continue after the finished shards."""
        self._checkpoint = checkpoint
        self.vocab_size = vocab_size
        self.token_width_bits = token_width_bits
        self._shard_tokens = shard_tokens
        self._writer: _core.ShardWriter | None = None
        self.n_tokens = sum(shard.n_tokens for shard in checkpoint.shards)
        self.n_documents = sum(shard.n_documents for shard in checkpoint.shards)

    def add(self, batch: EncodedBatch) -> None:
        """Append documents.

        Raises:
            QueryError: a token id is outside the vocabulary.
            StorageError: the shard cannot be written.
        """
        ends = np.cumsum(batch.lengths)
        first = 0
        while first < len(ends):
            writer = self._open_writer()
            begin = int(ends[first - 1]) if first else 0
            # The document that fills the shard is its last one.
            n_missing = self._shard_tokens - writer.n_tokens
            last = min(int(np.searchsorted(ends, begin + n_missing)) + 1, len(ends))
            part = batch.part(first, last)
            writer.add_documents(part.token_ids, part.lengths, part.metadata, part.sources, part.lines)
            if writer.n_tokens >= self._shard_tokens:
                self.close()
            first = last
        self.n_tokens += len(batch.token_ids)
        self.n_documents += len(batch.lengths)

    def close(self) -> None:
        """Finish the open shard, if there is one."""
        if self._writer is not None:
            self._writer.finish()
            self._checkpoint.finish_shard(self._name, self._writer.n_tokens, self._writer.n_documents)
            self._writer = None

    @property
    def _name(self) -> str:
        return f"shard-{len(self._checkpoint.shards):05d}"

    def _open_writer(self) -> _core.ShardWriter:
        if self._writer is None:
            folder = self._checkpoint.folder / self._name
            with storage_errors(f"create {folder}"):
                folder.mkdir()
            self._writer = _core.ShardWriter(folder, self.vocab_size, self.token_width_bits)
        return self._writer


def sort_shards(
    checkpoint: Checkpoint, threads: int, memory_bytes: Callable[[], int], progress: Callable[[int], None]
) -> None:
    """Write the suffix array of each unsorted shard.

    Args:
        checkpoint: the shards.
        threads: the maximum number of threads.
        memory_bytes: returns the memory limit of the next sort.
        progress: called with the number of sorted tokens.
    """
    n_sorted = 0
    for number, shard in enumerate(checkpoint.shards):
        progress(n_sorted)
        if not shard.sections.keys() >= set(WRITTEN_BY_SORTING):
            report = partial(_report, progress, n_sorted)
            _core.sort_shard(checkpoint.folder / shard.folder, threads, memory_bytes(), report)
            checkpoint.finish_sorting(number)
        n_sorted += shard.n_tokens
    progress(n_sorted)


def _report(progress: Callable[[int], None], base: int, n_sorted: int) -> None:
    progress(base + n_sorted)
