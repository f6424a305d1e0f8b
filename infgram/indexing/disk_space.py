"""The disk space that an index needs, compared with the free space."""

from __future__ import annotations

import errno
import math
import shutil
from pathlib import Path
from typing import Final, NamedTuple

from infgram.errors import StorageError
from infgram.files.disk import storage_errors

_SECTIONS: Final = 11
_DIRECTORY_STEP: Final = 64  # tokens per key of the directory
_RUN_FIELDS: Final = 3
_FRAME_BYTES: Final = 128  # header and padding of a section


class Sources(NamedTuple):
    """The size of the sources of documents.

    Attributes:
        n_runs: runs of documents on consecutive lines of one file.
        name_bytes: bytes of the file names, including a final byte for each.
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
    """Estimate the size of an index with equal shards (the formula is in docs/architecture.md).

    The sections of frequent contexts depend on the text; they are small and not included.
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
    """Return the disk space that is free for this user.

    Raises:
        StorageError: the free space cannot be determined.
    """
    with storage_errors(f"determine the free space of {folder}"):
        return shutil.disk_usage(folder).free


def check_disk_space(folder: Path, needed_bytes: int) -> None:
    """Check that the disk has enough free space.

    Raises:
        StorageError: the free space is insufficient; names the missing amount.
    """
    free = free_bytes(folder)
    if needed_bytes > free:
        raise StorageError(
            errno.ENOSPC,
            f"the index needs about {_in_words(needed_bytes)} more; {folder} has {_in_words(free)} free, "
            f"{_in_words(needed_bytes - free)} too little; free some disk space or choose another output",
        )


def _in_words(n_bytes: int) -> str:
    return f"{n_bytes / 1e9:.1f} GB" if n_bytes >= 1e9 else f"{n_bytes / 1e6:.1f} MB"
