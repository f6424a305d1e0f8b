"""Arguments of a build, checked once at the border."""

from __future__ import annotations

from typing import Final

from infgram.arguments import MOST_THREADS, checked_threads, real

__all__ = ["MOST_SHARD_TOKENS", "MOST_THREADS", "checked_shard_tokens", "checked_threads"]

MOST_SHARD_TOKENS: Final = 2**40


def checked_shard_tokens(shard_tokens: float) -> int:
    """The tokens at which a shard is closed.

    Raises:
        QueryError: it is no number from 1 to `MOST_SHARD_TOKENS`.
    """
    real(shard_tokens, "shard_tokens", low=1, high=MOST_SHARD_TOKENS)
    return int(shard_tokens)
