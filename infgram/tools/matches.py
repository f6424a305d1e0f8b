"""The longest match at every position of a sequence, however long sequence and matches are.

`Index.longest_matches` searches for each position on its own, which is the quickest way as long as matches are short.
A passage of *m* tokens copied from the corpus, though, costs it *m*² comparisons. Here the sequence goes in blocks,
and a match that leaves its block is followed by itself: its end by doubling steps, then how far the positions after
its start reach no further. Both are bisected, since the ends of the longest matches ascend with their starts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from infgram.index import Index
from infgram.types import Int64Array
from infgram.watch import Watch

_BLOCK_TOKENS: Final = 4096


def match_lengths(
    index: Index, token_ids: Int64Array, watch: Watch, *, block_tokens: int = _BLOCK_TOKENS
) -> Int64Array:
    """For each position the tokens from there on that occur in the corpus: `index.longest_matches(…).lengths`.

    Cost: a search a position; O(log m) searches for each run of positions whose matches end at one place, where
    matches are longer than a block.

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
        next_begin = begin + inside
        if 2 * inside < block and end < len(token_ids):
            reach, next_begin = _follow(index, token_ids, begin + inside, end)
            lengths[begin + inside : next_begin] = reach - np.arange(begin + inside, next_begin)
        block = 2 * block if 2 * (next_begin - begin) < block else block_tokens
        begin = next_begin
    watch.report("match", len(token_ids), len(token_ids), "tokens")
    return lengths


def _n_inside(lengths: Int64Array) -> int:
    """How many positions of a block have matches that end before it does, and so are not cut short by it."""
    return int(np.searchsorted(np.arange(len(lengths)) + lengths, len(lengths)))


def _follow(index: Index, token_ids: Int64Array, begin: int, known_end: int) -> tuple[int, int]:
    """A match that begins at `begin` and goes on to `known_end` at least.

    Returns:
        Where it ends, and the first position after `begin` whose match ends later.
    """

    def occurs(start: int, end: int) -> bool:
        return index.count(token_ids[start:end]) > 0

    n = len(token_ids)
    step = known_end - begin
    end = known_end
    while end < n and occurs(begin, min(end + step, n)):
        end, step = min(end + step, n), 2 * step
    if end < n:
        end = _last(lambda stop: occurs(begin, stop), end, min(end + step, n))
    if end == n:
        return n, n
    # Of the starts from here to end + 1, where nothing is left to occur, the first ones fail.
    return end, _last(lambda start: not occurs(start, end + 1), begin, end + 1) + 1


def _last(holds: Callable[[int], bool], yes: int, no: int) -> int:
    """The last number that holds, which `yes` does, as do all between; `no` and those after it do not."""
    while no - yes > 1:
        middle = (yes + no) // 2
        yes, no = (middle, no) if holds(middle) else (yes, middle)
    return yes
