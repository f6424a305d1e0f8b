"""How many bytes a shard takes, and how many of them are read by every question."""

from __future__ import annotations

import math
from typing import Final

_FRAMES: Final = 11 * 128
_STORED_SHARE: Final = 27  # elements of the text for each byte of stored continuations, at most
_KEY_STEPS: Final = (64, 4096)


def shard_bytes(
    n_tokens: int, n_documents: int, vocab_size: int, width_bits: int, metadata_bytes: int = 0
) -> tuple[float, float]:
    """Bytes of a shard, and of its directories: keys, first tokens and stored continuations, which are best in memory.

    The formula is that of docs/architecture.md, with as much stored of frequent contexts as the format allows.
    """
    elements = n_tokens + n_documents
    directories = (
        (vocab_size + 1) * max(1, n_tokens.bit_length()) / 8
        + 8 * sum(math.ceil(n_tokens / step) for step in _KEY_STEPS)
        + elements / _STORED_SHARE
    )
    others = (
        elements * width_bits / 8
        + n_tokens * max(1, (elements - 1).bit_length()) / 8
        + (n_documents + 1) * elements.bit_length() / 8
        + metadata_bytes
        + (n_documents + 1) * max(1, metadata_bytes.bit_length()) / 8
    )
    return others + directories + _FRAMES, directories
