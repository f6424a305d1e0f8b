"""Download the files of a shard, and verify them against the manifest."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from infgram import _core
from infgram.cluster.storage.storage import Storage, below
from infgram.errors import IndexDamagedError
from infgram.files.manifest import SectionEntry, ShardEntry
from infgram.files.sections import check_checksum, check_size, entry_of


def fetch_shard(storage: Storage, shard: ShardEntry, folder: Path) -> None:
    """Copy all files of a shard into a folder, except those that tell what is removed.

    Raises:
        IndexDamagedError: a file is missing, or its size or checksum differs; the message names it, expected and found.
        StorageError: a file cannot be read or written.
    """
    _fetch(storage, shard.folder, shard.sections, folder)


def fetch_removals(storage: Storage, shard: ShardEntry, folder: Path) -> None:
    """Copy the files that tell which documents of a shard are removed into a folder.

    Raises:
        IndexDamagedError, StorageError: as for `fetch_shard`.
    """
    _fetch(storage, shard.folder, {} if shard.removals is None else shard.removals.sections, folder)


def _fetch(storage: Storage, shard_folder: str, sections: Mapping[str, SectionEntry], folder: Path) -> None:
    for name, section in sections.items():
        place = below(below(storage.location, shard_folder), name)
        try:
            storage.download(f"{shard_folder}/{name}", folder / name)
        except FileNotFoundError as error:
            raise IndexDamagedError(
                f"{place} is missing, expected {section.size_bytes} bytes; copy the file again or rebuild the index"
            ) from error
        _check(folder / name, section, place)
    _core.sync_folder(folder)


def _check(path: Path, expected: SectionEntry, place: str) -> None:
    found = entry_of(path)
    check_size(place, found.size_bytes, expected)
    check_checksum(place, found.xxh64, expected)
    try:
        _core.verify_section(path)
    except IndexDamagedError as error:
        raise IndexDamagedError(str(error).replace(str(path), place)) from error
