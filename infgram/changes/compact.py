"""Write shards again without their removed documents."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from infgram import _core
from infgram.arguments import checked_shard_tokens, checked_threads
from infgram.changes.results import Compaction
from infgram.changes.writer import Writer, local_index, writing
from infgram.files.manifest import FORMAT_VERSION, ShardEntry, section_names
from infgram.index import StrPath
from infgram.indexing.build import DEFAULT_SHARD_TOKENS
from infgram.indexing.checkpoint import Checkpoint
from infgram.indexing.copied_documents import copied_documents
from infgram.indexing.memory import Budget
from infgram.indexing.shards import ShardSequence
from infgram.indexing.stages import Progress, check_space_for, plan_of, reporter, sort
from infgram.indexing.tokenize import EncodedBatch
from infgram.shards import document_batches, open_shards
from infgram.types import BuildProgress, Int64Array

_BATCH_DOCUMENTS: Final = 1024
_NO_DOCUMENTS: Final = np.zeros(0, np.int64)
_CERTAINLY: Final = 0.9  # a share of the estimate that the shards exceed


def compact(
    index_path: StrPath,
    *,
    threads: int | None = None,
    memory: int | str | None = None,
    shard_tokens: float = DEFAULT_SHARD_TOKENS,
    if_generation: int | None = None,
    progress: Progress | None = None,
) -> Compaction:
    """Write an index again without its deleted documents, in as few shards as a build of the others has.

    Afterwards the text of deleted documents is gone from the disk. All documents keep their numbers. The files are
    those of a build of the same documents, and `document_numbers.bin` where their numbers are not consecutive. Open
    indexes keep their state, and the disk space of the old files, until they are closed or reloaded.

    The index is copied and sorted, which takes the time and the disk space of a build without its tokenization. An
    interrupted call is resumed when it is repeated with the same arguments. If that would give the same files again,
    since nothing was deleted and the shards are those of a build, nothing is written.

    Args:
        index_path: the folder of the index.
        threads: as for `infgram.build`.
        memory: as for `infgram.build`.
        shard_tokens: as for `infgram.build`.
        if_generation: as for `infgram.add`.
        progress: as for `infgram.build`.

    Returns:
        The size of the new state.

    Raises:
        QueryError: an argument is out of range, or the index is behind a URL.
        IndexNotFoundError, IndexDamagedError, IndexVersionError: the index cannot be read.
        IndexChangedError: the index is at another generation than `if_generation`.
        IndexExistsError: another process is writing to the index.
        StorageError: a file cannot be written, and the index is as it was; or an old file cannot be removed.
    """
    n_threads, n_shard_tokens = checked_threads(threads), checked_shard_tokens(shard_tokens)
    report = reporter(progress)
    folder, budget = local_index(index_path), Budget(memory, trains=False, kind=None)
    with writing(folder, if_generation) as writer:
        before = manifest = writer.manifest
        if is_changed := not _is_compact(writer, n_shard_tokens):
            plan = {**plan_of(n_shard_tokens), "change": "compact"}
            with writer.unfinished_shards(plan, report) as checkpoint:
                rewrite(writer, checkpoint, [before.shards], n_shard_tokens, n_threads, budget, report)
                manifest = writer.publish(checkpoint.shards, checkpoint)
    freed_bytes = sum(shard.size_bytes for shard in before.shards) - sum(shard.size_bytes for shard in manifest.shards)
    return Compaction(
        manifest.generation,
        manifest.n_documents,
        manifest.n_tokens,
        len(manifest.shards),
        freed_bytes,
        is_changed,
    )


def _is_compact(writer: Writer, shard_tokens: int) -> bool:
    """Return whether `rewrite` would write the shards of the index as they are. O(shards)."""
    shards = writer.manifest.shards
    if any(shard.removals or not shard.sections.keys() >= section_names(FORMAT_VERSION) for shard in shards):
        return False
    if any(shard.n_tokens < shard_tokens for shard in shards[:-1]):
        return False
    return all(shard.n_tokens - _last_length(*writer.place(shard)) < shard_tokens for shard in shards)


def _last_length(folder: Path, shard: ShardEntry) -> int:
    """Return the number of tokens of the last document of a shard from which nothing is removed."""
    return _core.Index([_core.ShardState(folder)]).document_length(shard.n_documents - 1)


def rewrite(
    writer: Writer,
    checkpoint: Checkpoint,
    groups: Sequence[Sequence[ShardEntry]],
    shard_tokens: int,
    threads: int,
    budget: Budget,
    report: Progress,
    *,
    without: Int64Array = _NO_DOCUMENTS,
) -> None:
    """Write the documents of shards into new shards of the checkpoint, and sort these.

    If no shard would be left, one is written with an empty document that is removed, since an index needs a shard.

    Args:
        writer: the index.
        checkpoint: the new shards.
        groups: neighboring shards, which are merged; each group begins a new shard.
        shard_tokens: the number of tokens at which a new shard is closed.
        threads: the maximum number of threads.
        budget: the memory limit.
        report: the progress.
        without: numbers of documents of these shards that are left out, ascending.

    Raises:
        IndexDamagedError: a shard cannot be read.
        StorageError: a file cannot be written.
    """
    manifest = writer.manifest
    old = [shard for group in groups for shard in group]
    is_empty = len(old) == len(manifest.shards) and manifest.n_documents == len(without)
    shards = ShardSequence(
        checkpoint, manifest.vocab_size, manifest.token_width_bits, shard_tokens, prefix=writer.shard_prefix
    )
    if checkpoint.skipped is None:
        kept_bytes = sum(shard.size_bytes * shard.n_live_documents / shard.n_documents for shard in old)
        check_space_for(checkpoint, round(_CERTAINLY * kept_bytes))
        n_tokens = sum(shard.n_live_tokens for shard in old)
        n_finished = shards.n_documents
        for group in groups:
            core = open_shards([writer.place(shard) for shard in group])
            for batch in document_batches(core, _BATCH_DOCUMENTS):
                numbers = _difference(batch, without)
                n_known = min(n_finished, len(numbers))
                n_finished -= n_known
                for documents, part in copied_documents(core, numbers[n_known:]):
                    shards.add(documents, part)
                    report(BuildProgress("copy", shards.n_tokens, n_tokens, "tokens"))
            shards.close()
        if is_empty:
            nothing = EncodedBatch.of_tokens(np.zeros(0, np.uint32), np.zeros(1, np.int64))
            shards.add(nothing, np.array([manifest.next_document - 1]))
            shards.close()
        checkpoint.finish_reading([])
    sort(checkpoint, shards, threads, budget, report)
    if is_empty:
        (shard,) = checkpoint.shards
        first = np.zeros(1, np.int64)
        checkpoint.shards = [writer.remove(checkpoint.folder / shard.folder, shard, first, report)]


def _difference(numbers: Int64Array, left_out: Int64Array) -> Int64Array:
    """Return the numbers that are not left out; both are ascending."""
    begin, end = np.searchsorted(left_out, (numbers[0], numbers[-1] + 1))
    return np.setdiff1d(numbers, left_out[begin:end], assume_unique=True)
