"""The size of a shard on disk; docs/architecture.md has the formula."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

MOST_CONTINUATIONS: Final = 1 / 27
"""The maximum size of the stored continuations, in bytes per token or separator."""

_SECTIONS: Final = 11
FRAME_BYTES: Final = 128
"""The header and the padding of a section."""

KEY_STEPS: Final = (64, 4096)
"""The tokens per key of the directory, and per key of its top level."""

_RUN_FIELDS: Final = 3


class Sources(NamedTuple):
    """The size of the sources of documents.

    Attributes:
        n_runs: runs of documents on consecutive lines of one file.
        name_bytes: bytes of the file names, including a final byte for each.
    """

    n_runs: int = 1
    name_bytes: int = 1


class ShardBytes(NamedTuple):
    """The size of a shard in bytes.

    Attributes:
        total: all files.
        directories: the keys, first tokens and stored continuations, which most searches read.
    """

    total: int
    directories: int


_NO_SOURCES: Final = Sources()


def shard_bytes(
    n_tokens: int,
    n_documents: int,
    vocab_size: int,
    width_bits: int,
    *,
    metadata_bytes: int = 0,
    sources: Sources = _NO_SOURCES,
    continuation_bytes: float = 0,
) -> ShardBytes:
    """Return the size of a shard. The stored continuations depend on the text, at most `MOST_CONTINUATIONS`."""
    elements = n_tokens + n_documents
    directory_bits = (
        (vocab_size + 1) * max(1, n_tokens.bit_length()),
        *(64 * math.ceil(n_tokens / step) for step in KEY_STEPS),
        8 * math.ceil(continuation_bytes),
    )
    largest = max(n_documents, sources.name_bytes)
    other_bits = (
        elements * width_bits,
        n_tokens * max(1, elements - 1).bit_length(),
        (n_documents + 1) * elements.bit_length(),
        8 * metadata_bytes,
        (n_documents + 1) * max(1, metadata_bytes.bit_length()),
        8 * sources.name_bytes,
        _RUN_FIELDS * sources.n_runs * max(1, largest.bit_length()),
    )
    directories, others = (sum(math.ceil(bits / 8) for bits in sections) for sections in (directory_bits, other_bits))
    return ShardBytes(directories + others + _SECTIONS * FRAME_BYTES, directories)
