"""The task that builds a shard from parts in storage: write, sort, verify, store."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from infgram import _core
from infgram.cluster.indexing.boundaries import Slice
from infgram.cluster.indexing.parts import FILES, check_file, part_file_name, read_part
from infgram.cluster.indexing.records import ShardRecord, shard_record_name, split_record_name, write_record
from infgram.cluster.indexing.scratch import task_folder
from infgram.cluster.indexing.tasks import Done, Site
from infgram.cluster.storage.storage import Storage, below, storage_at
from infgram.errors import IndexDamagedError
from infgram.files.disk import storage_errors
from infgram.files.manifest import ShardEntry
from infgram.files.sections import WRITTEN_BY_SORTING, WRITTEN_FIRST, entry_of
from infgram.indexing.disk_space import check_disk_space
from infgram.indexing.memory import Budget


@dataclass(frozen=True)
class ShardTask:
    """The arguments of `build_shard`.

    Attributes:
        site: locations and resources.
        number: the number of the shard.
        slices: its documents, in order.
        vocab_size: the size of the vocabulary.
        token_width_bits: 8, 16 or 32.
        disk_bytes: the estimated scratch space.
    """

    site: Site
    number: int
    slices: list[Slice]
    vocab_size: int
    token_width_bits: int
    disk_bytes: int

    @property
    def n_tokens(self) -> int:
        """The number of tokens of the shard."""
        return sum(piece.n_tokens for piece in self.slices)


def build_shard(task: ShardTask) -> Done[ShardRecord]:
    """Write, sort, verify and store a shard, then write its record.

    Raises:
        IndexDamagedError: a part differs from its record. The record is removed, so that a later build reads the split
            again.
        StorageError: the storage or the operating system reported an error.
    """
    began, site = time.monotonic(), task.site
    output, partial = storage_at(site.output), storage_at(site.partial)
    name = f"shard-{task.number:05d}"
    with task_folder(site.scratch) as folder:
        check_disk_space(folder, task.disk_bytes)
        shard = folder / name
        with storage_errors(f"create {shard}"):
            shard.mkdir()
        entry = _write(task, partial, shard)
        memory_bytes = Budget(site.memory_bytes, trains=False, kind=None).left_bytes()
        _core.sort_shard(shard, site.threads, memory_bytes, _allow_signals)
        _core.verify_shard(shard, _allow_signals)
        sections = {file: entry_of(shard / file) for file in (*WRITTEN_FIRST, *WRITTEN_BY_SORTING)}
        for file in sections:
            output.upload(shard / file, f"{name}/{file}")
    record = ShardRecord(task.number, ShardEntry(name, entry[0], entry[1], sections))
    write_record(partial, shard_record_name(task.number), site.build_id, record)
    read = sum(file.size_bytes for piece in task.slices for file in piece.entry.files.values())
    return Done(record, time.monotonic() - began, read, sum(section.size_bytes for section in sections.values()))


def _write(task: ShardTask, partial: Storage, shard: Path) -> tuple[int, int]:
    """Write all sections except those of the sorter; return the numbers of tokens and documents."""
    writer = _core.ShardWriter(shard, task.vocab_size, task.token_width_bits)
    for piece in task.slices:
        with _fetched(piece, partial, shard.parent) as files:
            for batch in read_part(files, task.token_width_bits, piece.first, piece.last):
                writer.add_documents(batch.token_ids, batch.lengths, batch.metadata, batch.sources, batch.lines)
    writer.finish()
    return writer.n_tokens, writer.n_documents


@contextmanager
def _fetched(piece: Slice, partial: Storage, folder: Path) -> Iterator[dict[str, Path]]:
    """Yield the verified files of a part, downloaded unless the storage is local."""
    files = {}
    try:
        for file in FILES:
            name = part_file_name(piece.split, piece.part, file)
            files[file] = folder / file if partial.folder is None else partial.folder / name
            if partial.folder is None:
                with suppress(FileNotFoundError):
                    partial.download(name, files[file])
            check_file(files[file], piece.entry.files[file], below(partial.location, name))
        yield files
    except IndexDamagedError:
        partial.remove(split_record_name(piece.split))
        raise
    finally:
        if partial.folder is None:
            for path in files.values():
                path.unlink(missing_ok=True)


def _allow_signals(n_done: int) -> None:
    """Do nothing. Python handles signals when the native code calls this progress function."""
