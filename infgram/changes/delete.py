"""Delete documents from an index."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

import numpy as np

from infgram.arguments import MOST_SHARD_TOKENS, checked_threads, flag
from infgram.changes.compact import rewrite
from infgram.changes.results import Deletion
from infgram.changes.selection import places_in_shard, selection_of
from infgram.changes.writer import Writer, local_index, writing
from infgram.errors import InputError
from infgram.files.manifest import Manifest
from infgram.index import StrPath
from infgram.indexing.memory import Budget
from infgram.indexing.stages import Progress, plan_of, reporter
from infgram.shards import open_shards
from infgram.types import BuildProgress, Int64Array, JsonScalar


def delete(
    index_path: StrPath,
    *,
    documents: Iterable[int] | None = None,
    ids: Iterable[int | str] | None = None,
    where: Mapping[str, JsonScalar] | None = None,
    purge: bool = False,
    if_generation: int | None = None,
    threads: int | None = None,
    memory: int | str | None = None,
    progress: Progress | None = None,
) -> Deletion:
    """Delete documents from an index, given by exactly one of `documents`, `ids` and `where`.

    Afterwards all queries answer as if the documents had never been in the index; the others keep their numbers. Open
    indexes keep their state until `Index.reload`. The text stays on the disk until `compact`, unless `purge` is True.
    The cost is that of reading the metadata (not for `documents`), and a search for each token of the documents.

    Args:
        index_path: the folder of the index.
        documents: the numbers of the documents.
        ids: values of the metadata field `id`: every document with one of them is deleted. A string of digits and the
            integer that it denotes are the same id.
        where: metadata fields and the required value of each, as for `Index.search`.
        purge: whether to write the shards of the documents again without them, as `compact` does for all shards, so
            that their text is gone from the disk when this function returns.
        if_generation: as for `infgram.add`.
        threads: with `purge`, as for `infgram.build`.
        memory: with `purge`, as for `infgram.build`.
        progress: as for `infgram.build`.

    Returns:
        The number of deleted documents, and the ids or document numbers that do not exist.

    Raises:
        InputError: no document matches; the index is as it was.
        QueryError: an argument is invalid, or the index is behind a URL.
        IndexNotFoundError, IndexDamagedError, IndexVersionError: the index cannot be read.
        IndexChangedError: the index is at another generation than `if_generation`.
        IndexExistsError: another process is writing to the index.
        StorageError: a file cannot be written, and the index is as it was; or an old file cannot be removed.
    """
    folder, selection = local_index(index_path), selection_of(documents, ids, where)
    purge, n_threads, report = flag(purge, "purge"), checked_threads(threads), reporter(progress)
    budget = Budget(memory, trains=False, kind=None) if purge else None
    with writing(folder, if_generation) as writer:
        core = open_shards([writer.place(shard) for shard in writer.manifest.shards])
        numbers, not_found = selection.find(core, report)
        if not len(numbers):
            hint = "; infgram compact removes the text of documents deleted before" if purge else ""
            raise InputError(f"no document of {writer.folder} has {selection.in_words()}; nothing was deleted{hint}")
        n_tokens = sum(core.document_length(number) for number in numbers.tolist())
        if budget is None:
            manifest = _remove(writer, numbers, report)
        else:
            manifest = _purge(writer, numbers, n_threads, budget, report)
    return Deletion(manifest.generation, len(numbers), n_tokens, not_found, purge)


def _remove(writer: Writer, numbers: Int64Array, report: Progress) -> Manifest:
    """Publish a state without the documents; their text stays in the files."""
    shards = []
    n_removed = 0
    for shard, in_shard in zip(writer.manifest.shards, _by_shard(writer.manifest, numbers), strict=True):
        if len(in_shard):
            folder, _ = writer.place(shard)
            shard = writer.remove(folder, shard, places_in_shard(folder, shard, in_shard), report)
            n_removed += len(in_shard)
            report(BuildProgress("remove", n_removed, len(numbers), "documents"))
        shards.append(shard)
    return writer.publish(shards)


def _purge(writer: Writer, numbers: Int64Array, threads: int, budget: Budget, report: Progress) -> Manifest:
    """Publish a state in which the shards of the documents are written again without them."""
    pairs = list(zip(writer.manifest.shards, _by_shard(writer.manifest, numbers), strict=True))
    touched = [shard for shard, in_shard in pairs if len(in_shard)]
    plan = {**plan_of(MOST_SHARD_TOKENS), "change": "purge", "documents": hashlib.sha256(numbers.tobytes()).hexdigest()}
    with writer.unfinished_shards(plan, report) as checkpoint:
        groups = [[shard] for shard in touched]
        rewrite(writer, checkpoint, groups, MOST_SHARD_TOKENS, threads, budget, report, without=numbers)
        untouched = [shard for shard, in_shard in pairs if not len(in_shard)]
        return writer.publish([*untouched, *checkpoint.shards], checkpoint)


def _by_shard(manifest: Manifest, numbers: Int64Array) -> list[Int64Array]:
    """Divide document numbers, ascending, among the shards."""
    return np.split(numbers, np.searchsorted(numbers, [shard.first_document for shard in manifest.shards[1:]]))
