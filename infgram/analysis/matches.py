"""The longest match at every position of a sequence, block by block, so that progress shows and time limits hold."""

from __future__ import annotations

from typing import Final

import numpy as np

from infgram.index import Index
from infgram.types import Int64Array
from infgram.watch import Watch

_BLOCK_TOKENS: Final = 1 << 16


def match_lengths(
    index: Index, token_ids: Int64Array, watch: Watch, *, block_tokens: int = _BLOCK_TOKENS
) -> Int64Array:
    """Return `index.longest_matches(token_ids).lengths`, computed block by block.

    A match that reaches the end of its block may go on behind it. Such matches are searched again from the first of
    them on; where they are more than half of a block, in a block twice as long.

    Cost: that of `Index.longest_matches`, at most four times over.

    Args:
        index: the corpus.
        token_ids: the sequence.
        watch: told after each block.
        block_tokens: of a block; it grows where matches are about as long.
    """
    lengths = np.zeros(len(token_ids), dtype=np.int64)
    begin, block = 0, block_tokens
    while begin < len(token_ids):
        watch.report("match", begin, len(token_ids), "tokens")
        end = min(begin + block, len(token_ids))
        found = index.longest_matches(token_ids[begin:end]).lengths
        inside = len(found) if end == len(token_ids) else _n_inside(found)
        lengths[begin : begin + inside] = found[:inside]
        begin += inside
        block = 2 * block if 2 * inside < block else block_tokens
    watch.report("match", len(token_ids), len(token_ids), "tokens")
    return lengths


def _n_inside(lengths: Int64Array) -> int:
    """How many positions of a block have matches that end before it does, and so are not cut short by it."""
    return int(np.searchsorted(np.arange(len(lengths)) + lengths, len(lengths)))
