"""How much disk an index takes, and whether there is so much."""

from __future__ import annotations

import errno
import math
import shutil
from pathlib import Path
from typing import Final, NamedTuple

from infgram.errors import StorageError
from infgram.files.disk import storage_errors

_SECTIONS: Final = 11
_DIRECTORY_STEP: Final = 64  # tokens for each key of the directory
_RUN_FIELDS: Final = 3
_FRAME_BYTES: Final = 128  # of each section: header and padding


class Sources(NamedTuple):
    """What tells where documents come from.

    Attributes:
        n_runs: runs of documents on consecutive lines of one file.
        name_bytes: of the names of the files, with a byte after each.
    """

    n_runs: int = 1
    name_bytes: int = 1


_NO_SOURCES: Final = Sources()


def index_bytes(
    n_tokens: int,
    n_documents: int,
    metadata_bytes: int,
    vocab_size: int,
    width_bits: int,
    shard_tokens: int,
    sources: Sources = _NO_SOURCES,
) -> int:
    """About the size of the sections of an index, shards of one size each (docs/architecture.md has the formula).

    What is stored of frequent contexts depends on the text and is left out; it is little.
    """
    n_shards = max(1, math.ceil(n_tokens / shard_tokens))
    totals = (n_tokens, n_documents, metadata_bytes, sources.n_runs, sources.name_bytes)
    n, documents, metadata, runs, source_bytes = (math.ceil(total / n_shards) for total in totals)
    payload_bits = (
        (n + documents) * width_bits,
        n * (n + documents - 1).bit_length(),
        (documents + 1) * (n + documents).bit_length(),
        (vocab_size + 1) * max(1, n.bit_length()),
        8 * metadata,
        (documents + 1) * max(1, metadata.bit_length()),
        64 * math.ceil(n / _DIRECTORY_STEP),
        8 * source_bytes,
        _RUN_FIELDS * runs * max(1, max(documents, source_bytes).bit_length()),
    )
    return n_shards * (sum(math.ceil(bits / 8) for bits in payload_bits) + _SECTIONS * _FRAME_BYTES)


def free_bytes(folder: Path) -> int:
    """The disk space that is free for this user.

    Raises:
        StorageError: the operating system does not say.
    """
    with storage_errors(f"ask for the free space of {folder}"):
        return shutil.disk_usage(folder).free


def check_room(folder: Path, needed_bytes: int) -> None:
    """Whether so much more fits on the disk.

    Raises:
        StorageError: it does not; names what is lacking.
    """
    free = free_bytes(folder)
    if needed_bytes > free:
        raise StorageError(
            errno.ENOSPC,
            f"the index will take about {_in_words(needed_bytes)} more; {folder} has {_in_words(free)} free, "
            f"{_in_words(needed_bytes - free)} too little; free some disk or choose another output",
        )


def _in_words(n_bytes: int) -> str:
    return f"{n_bytes / 1e9:.1f} GB" if n_bytes >= 1e9 else f"{n_bytes / 1e6:.1f} MB"
