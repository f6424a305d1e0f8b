"""Arguments of a build, checked once at the border."""

from __future__ import annotations

import os
from typing import Final

from infgram.arguments import integer, real, refusal

MOST_THREADS: Final = 1024
MOST_SHARD_TOKENS: Final = 2**40


def checked_threads(threads: int | None) -> int:
    """The number of threads; all cores for None.

    Raises:
        QueryError: it is none from 1 to `MOST_THREADS`.
    """
    if threads is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if not 1 <= integer(threads, "threads") <= MOST_THREADS:
        raise refusal(threads, "threads", f"an integer from 1 to {MOST_THREADS}, or None for all cores")
    return threads.__index__()


def checked_shard_tokens(shard_tokens: float) -> int:
    """The tokens at which a shard is closed.

    Raises:
        QueryError: it is no number from 1 to `MOST_SHARD_TOKENS`.
    """
    real(shard_tokens, "shard_tokens", low=1, high=MOST_SHARD_TOKENS)
    return int(shard_tokens)
