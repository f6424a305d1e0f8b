"""The longest match at every position of a sequence, computed in blocks with progress reports and time limits."""

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

    A match that reaches the end of its block may continue beyond it. The next block begins at the first such match. If
    such matches make up more than half of a block, the next block is twice as long.

    Cost: at most four times that of `Index.longest_matches`.

    Args:
        index: the corpus.
        token_ids: the sequence.
        watch: receives the progress after each block.
        block_tokens: the initial length of a block in tokens; it is doubled where matches are about as long.
    """
    lengths = np.zeros(len(token_ids), dtype=np.int64)
    begin, block = 0, block_tokens
    while begin < len(token_ids):
        watch.report("match", begin, len(token_ids), "tokens")
        end = min(begin + block, len(token_ids))
        in_block = index.longest_matches(token_ids[begin:end]).lengths
        n_final = len(in_block) if end == len(token_ids) else _n_inside(in_block)
        lengths[begin : begin + n_final] = in_block[:n_final]
        begin += n_final
        block = 2 * block if 2 * n_final < block else block_tokens
    watch.report("match", len(token_ids), len(token_ids), "tokens")
    return lengths


def _n_inside(lengths: Int64Array) -> int:
    """Return how many positions at the beginning of a block have matches that end before the block does."""
    return int(np.searchsorted(np.arange(len(lengths)) + lengths, len(lengths)))
