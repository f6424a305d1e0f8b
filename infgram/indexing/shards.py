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
from infgram.types import Int64Array


class ShardSequence:
    """Writes documents into consecutive shards; a shard is closed once it has `shard_tokens` tokens.

    Documents are not split, so a shard may exceed `shard_tokens` by up to one document. Not thread-safe.

    Attributes:
        n_tokens: tokens of all shards, including those of an earlier, interrupted build.
        n_documents: documents of all shards, including those of an earlier, interrupted build.
        vocab_size: token ids are from 0 to `vocab_size - 1`.
        token_width_bits: 8, 16 or 32.
        shard_tokens: the number of tokens at which a shard is closed.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        vocab_size: int,
        token_width_bits: int,
        shard_tokens: int,
        *,
        prefix: str = "shard-",
        first_document: int = 0,
    ) -> None:
        """Continue after the finished shards.

        Args:
            checkpoint: the finished shards, and the folder for more.
            vocab_size: the size of the vocabulary.
            token_width_bits: the width of a token.
            shard_tokens: the number of tokens at which a shard is closed.
            prefix: the beginning of the names of their folders.
            first_document: the number of the first document of all shards.
        """
        self._checkpoint = checkpoint
        self.vocab_size = vocab_size
        self.token_width_bits = token_width_bits
        self.shard_tokens = shard_tokens
        self._prefix, self._first_document = prefix, first_document
        self._writer: _core.ShardWriter | None = None
        self._runs: list[range] = []  # of consecutive document numbers in the open shard
        self.n_tokens = sum(shard.n_tokens for shard in checkpoint.shards)
        self.n_documents = sum(shard.n_documents for shard in checkpoint.shards)

    def add(self, batch: EncodedBatch, document_numbers: Int64Array | None = None) -> None:
        """Append documents.

        Args:
            batch: the documents.
            document_numbers: their numbers, ascending; None to number them after the documents before them.

        Raises:
            QueryError: a token id is outside the vocabulary.
            StorageError: the shard cannot be written.
        """
        if document_numbers is None:
            document_numbers = self._first_document + self.n_documents + np.arange(len(batch.lengths))
        ends = np.cumsum(batch.lengths)
        first = 0
        while first < len(ends):
            writer = self._open_writer()
            begin = int(ends[first - 1]) if first else 0
            # The document that fills the shard is its last one.
            n_missing = self.shard_tokens - writer.n_tokens
            last = min(int(np.searchsorted(ends, begin + n_missing)) + 1, len(ends))
            part = batch.part(first, last)
            writer.add_documents(part.token_ids, part.lengths, part.metadata, part.sources, part.lines)
            self._number(document_numbers[first:last])
            if writer.n_tokens >= self.shard_tokens:
                self.close()
            first = last
        self.n_tokens += len(batch.token_ids)
        self.n_documents += len(batch.lengths)

    def close(self) -> None:
        """Finish the open shard, if there is one."""
        if self._writer is not None:
            self._writer.finish(
                None if len(self._runs) == 1 else np.concatenate([np.arange(run.start, run.stop) for run in self._runs])
            )
            counts = self._writer.n_tokens, self._writer.n_documents
            self._checkpoint.finish_shard(self._name, *counts, self._runs[0].start)
            self._writer, self._runs = None, []

    def _number(self, document_numbers: Int64Array) -> None:
        """Note the numbers of the next documents of the open shard."""
        for run in np.split(document_numbers, np.flatnonzero(np.diff(document_numbers) != 1) + 1):
            begin, end = int(run[0]), int(run[-1]) + 1
            if self._runs and self._runs[-1].stop == begin:
                begin = self._runs.pop().start
            self._runs.append(range(begin, end))

    @property
    def _name(self) -> str:
        return f"{self._prefix}{len(self._checkpoint.shards):05d}"

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
