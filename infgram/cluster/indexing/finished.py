"""Tasks that an earlier run of the same plan finished, and whose files are still in storage."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from infgram.cluster.indexing.parts import part_file_name
from infgram.cluster.indexing.records import (
    ShardRecord,
    SplitRecord,
    read_shard_record,
    read_split_record,
    shard_record_name,
    split_record_name,
)
from infgram.cluster.storage.storage import Storage

_READERS: Final = 16

Record = TypeVar("Record", SplitRecord, ShardRecord)


def finished_splits(partial: Storage, n_splits: int, build_id: str) -> dict[int, SplitRecord]:
    """Return the records of finished splits. Only the sizes of their parts are checked; content is checked on reading.

    Raises:
        StorageError: the storage cannot be read.
    """
    sizes = partial.sizes()
    numbers = (number for number in range(n_splits) if split_record_name(number) in sizes)
    records = _read(numbers, lambda number: read_split_record(partial, number, build_id))
    return {record.number: record for record in records if _has_all(sizes, _files_of_split(record))}


def finished_shards(partial: Storage, output: Storage, n_shards: int, build_id: str) -> dict[int, ShardRecord]:
    """Return the records of finished shards. Only the sizes of their files are checked.

    Raises:
        StorageError: the storage cannot be read.
    """
    names = set(partial.names("shards"))
    numbers = (number for number in range(n_shards) if shard_record_name(number) in names)
    records = _read(numbers, lambda number: read_shard_record(partial, number, build_id))
    sizes = output.sizes()
    return {record.number: record for record in records if _has_all(sizes, files_of_shard(record))}


def files_of_shard(record: ShardRecord) -> dict[str, int]:
    """Return the names of the files of a shard in the output, and their sizes."""
    shard = record.shard
    return {f"{shard.folder}/{name}": section.size_bytes for name, section in shard.sections.items()}


def _files_of_split(record: SplitRecord) -> dict[str, int]:
    return {
        part_file_name(record.number, number, name): file.size_bytes
        for number, part in enumerate(record.parts)
        for name, file in part.files.items()
    }


def _has_all(sizes: Mapping[str, int], expected: Mapping[str, int]) -> bool:
    return all(sizes.get(name) == size for name, size in expected.items())


def _read(numbers: Iterable[int], read: Callable[[int], Record | None]) -> list[Record]:
    with ThreadPoolExecutor(_READERS) as pool:
        return [record for record in pool.map(read, numbers) if record is not None]
