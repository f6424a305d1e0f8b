"""The disk space that an index needs, compared with the free space."""

from __future__ import annotations

import errno
import math
import shutil
from pathlib import Path
from typing import Final

from infgram.errors import StorageError
from infgram.files.disk import storage_errors
from infgram.files.sizes import Sources, shard_bytes

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

    The stored continuations depend on the text; they are small and not included.
    """
    n_shards = max(1, math.ceil(n_tokens / shard_tokens))
    totals = (n_tokens, n_documents, metadata_bytes, sources.n_runs, sources.name_bytes)
    n, documents, metadata, runs, source_bytes = (math.ceil(total / n_shards) for total in totals)
    one_shard = shard_bytes(
        n, documents, vocab_size, width_bits, metadata_bytes=metadata, sources=Sources(runs, source_bytes)
    )
    return n_shards * one_shard.total


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
