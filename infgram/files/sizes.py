"""The sizes of a shard and of its sections on disk; docs/architecture.md has the formula."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

MOST_CONTINUATIONS: Final = 1 / 27
"""The maximum size of the stored continuations, in bytes per token or separator."""

_SECTIONS: Final = 11
FRAME_BYTES: Final = 128
"""The header and the padding of a section."""

_KEY_STEPS: Final = (64, 4096)
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
    fixed = payload_bytes(n_tokens, n_documents, vocab_size, width_bits)
    directories = fixed["first_token_starts.bin"] + fixed["directory.bin"] + math.ceil(continuation_bytes)
    others = (
        fixed["tokens.bin"] + fixed["suffix_array.bin"] + fixed["document_starts.bin"],
        metadata_bytes,
        _packed_bytes(n_documents + 1, metadata_bytes),
        sources.name_bytes,
        _packed_bytes(_RUN_FIELDS * sources.n_runs, max(n_documents, sources.name_bytes)),
    )
    return ShardBytes(directories + sum(others) + _SECTIONS * FRAME_BYTES, directories)


def payload_bytes(n_tokens: int, n_documents: int, vocab_size: int, width_bits: int) -> dict[str, int]:
    """Return the sizes of the sections that follow from the counts, without header and padding, by file name."""
    n_positions = n_tokens + n_documents
    return {
        "tokens.bin": n_positions * width_bits // 8,
        "suffix_array.bin": _packed_bytes(n_tokens, n_positions - 1),
        "document_starts.bin": _packed_bytes(n_documents + 1, n_positions),
        "first_token_starts.bin": _packed_bytes(vocab_size + 1, n_tokens),
        "directory.bin": 8 * sum(-(-n_tokens // step) for step in _KEY_STEPS),
    }


def _packed_bytes(n_elements: int, largest: int) -> int:
    """Return the size of packed integers; the width is that of the largest, at least one bit."""
    return -(-n_elements * max(1, largest.bit_length()) // 8)
