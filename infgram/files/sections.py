"""The section files of a shard, checked against the manifest (docs/index-format.md)."""

from __future__ import annotations

import os
import stat
import struct
import weakref
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from infgram import _core
from infgram.errors import IndexDamagedError
from infgram.files.disk import storage_errors
from infgram.files.manifest import SectionEntry, ShardEntry
from infgram.files.sizes import FRAME_BYTES

WRITTEN_BY_SORTING: Final = ("suffix_array.bin", "directory.bin", "continuations.bin", "stored_contexts.bin")
WRITTEN_FIRST: Final = (
    "tokens.bin",
    "document_starts.bin",
    "first_token_starts.bin",
    "metadata.bin",
    "metadata_starts.bin",
    "sources.bin",
    "source_runs.bin",
)
"""The sections that a `ShardWriter` writes, before the shard is sorted."""

_HEADER_BYTES: Final = 64
_CHECKSUM: Final = struct.Struct("<Q")
_PAYLOAD_CHECKSUM_AT: Final = 48


def entry_of(path: Path) -> SectionEntry:
    """Return the size of a section file, and the checksum of its payload from the header.

    Raises:
        StorageError: the file cannot be read.
    """
    with storage_errors(f"read {path}"), open(path, "rb") as file:
        header = file.read(_HEADER_BYTES)
        size_bytes = os.fstat(file.fileno()).st_size
    if size_bytes < FRAME_BYTES:
        return SectionEntry(size_bytes, "")
    return SectionEntry(size_bytes, f"{_CHECKSUM.unpack_from(header, _PAYLOAD_CHECKSUM_AT)[0]:016x}")


def is_intact(path: Path, entry: SectionEntry) -> bool:
    """Read a section file and return whether it matches its entry and its checksum."""
    if not path.is_file() or entry_of(path) != entry:
        return False
    try:
        _core.verify_section(path)
    except IndexDamagedError:
        return False
    return True


def check_sizes(folder: Path, shard: ShardEntry) -> None:
    """Raise IndexDamagedError if a section is missing, not a regular file, or of another size than in the manifest."""
    for name, section in shard.files.items():
        file = folder / name
        with storage_errors(f"read {file}"):
            try:
                status = file.stat()
            except (FileNotFoundError, NotADirectoryError):
                check_size(file, None, section)
                continue
        if not stat.S_ISREG(status.st_mode):
            raise IndexDamagedError(f"{file} is not a regular file; copy the index again or rebuild it")
        check_size(file, status.st_size, section)


def check_checksums(folder: Path, shard: ShardEntry, sections: Mapping[str, tuple[int, int]]) -> None:
    """Raise IndexDamagedError if a section, given as `name: (size, checksum)`, differs from the manifest."""
    if sections.keys() != shard.files.keys():
        raise IndexDamagedError(
            f"{folder} has the files {', '.join(sorted(sections))}, expected {', '.join(sorted(shard.files))} by "
            "the manifest; copy the index again or rebuild it"
        )
    for name, (_, checksum) in sections.items():
        check_checksum(folder / name, f"{checksum:016x}", shard.files[name])


def check_size(file: Path | str, size_bytes: int | None, expected: SectionEntry) -> None:
    """Raise IndexDamagedError, which names the file, unless it has the size in the manifest; None if it is missing."""
    if size_bytes != expected.size_bytes:
        state = "is missing" if size_bytes is None else f"has {size_bytes} bytes"
        raise IndexDamagedError(
            f"{file} {state}, expected {expected.size_bytes} bytes; copy the index again or rebuild it"
        )


def check_checksum(file: Path | str, xxh64: str, expected: SectionEntry) -> None:
    """Raise IndexDamagedError, which names the file, unless its payload has the checksum in the manifest."""
    if xxh64 != expected.xxh64:
        raise IndexDamagedError(
            f"{file} belongs to another index: its checksum is {xxh64}, expected {expected.xxh64} by the manifest; "
            "copy the index again or rebuild it"
        )


class MappedFiles:
    """The files of an open index as they were when it was opened, to notice changes in place."""

    def __init__(self, paths: Iterable[Path], unmapped: Iterable[Path] = ()) -> None:
        """Note the state of each file, before it is mapped.

        Args:
            paths: files that the index maps.
            unmapped: other files of the index. They are kept open: otherwise the file system could give the inode of
                one that was replaced to its replacement, which would look like a change in place.

        Raises:
            StorageError: a file cannot be opened.
        """
        for path in (unmapped := [*unmapped]):
            with storage_errors(f"open {path}"):
                weakref.finalize(self, os.close, os.open(path, os.O_RDONLY))
        self._states = {path: _state(path) for path in (*paths, *unmapped)}

    def check(self, *, only_sizes: bool = False) -> None:
        """Raise IndexDamagedError if a file was changed in place; one that was replaced or removed is ignored.

        Args:
            only_sizes: whether to ignore a file that was overwritten and has its old size.
        """
        for path, (inode, size_bytes, modified_ns) in self._states.items():
            now = _state(path)
            if inode is None or now[0] != inode or now[1:] == (size_bytes, modified_ns):
                continue
            if only_sizes and now[1] == size_bytes:
                continue
            change = "overwritten" if now[1] == size_bytes else f"changed from {size_bytes} to {now[1]} bytes"
            raise IndexDamagedError(
                f"{path} was {change} while the index is open; restore the index beside it, rename it into place and "
                'open it again; use load="ram" (--load ram) for an index that may change'
            )


def _state(path: Path) -> tuple[tuple[int, int] | None, int, int]:
    """Return the inode of a file, its size and the time of its last change; no inode if it is missing."""
    try:
        status = path.stat()
    except OSError:
        return None, 0, 0
    return (status.st_dev, status.st_ino), status.st_size, status.st_mtime_ns
