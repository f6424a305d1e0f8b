"""What each stage of a build takes: processor time, disk and memory, as functions of a shard's tokens.

The functions' constants are fitted to measured builds (`benchmarks/scale.py`); those of a plan are in `constants`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from infgram.errors import QueryError
from infgram.planning.sizes import shard_bytes

BLOCK_SUFFIXES: Final = 1 << 22  # a block of the sorter holds at most so many, and costs a pass over the text
SUFFIX_BYTES: Final = 26  # of a block and thread, while it is sorted
_MOST_32_BIT: Final = 2**32  # positions of a shard; from there on they take twice the memory
_UNIT: Final = 1e6  # tokens; where a growth's base is
PASS_NS: Final = 0.1  # a token, of one pass over the text for a block; too little to be seen in small shards


@dataclass(frozen=True)
class StagePoint:
    """One measured or predicted build of a shard of token ids."""

    n_tokens: int
    n_documents: int
    threads: int
    write_cpu_s: float
    sort_cpu_s: float
    verify_cpu_s: float
    size_bytes: int
    directory_bytes: int
    memory_bytes: int


@dataclass(frozen=True)
class Growth:
    """Processor nanoseconds a token: `base` at a million tokens, more with each doubling, more with each pass.

    Attributes:
        base: at a million tokens, without passes.
        per_doubling: of the shard's tokens.
        per_pass: for each block that the sorter cuts the shard into.
    """

    base: float
    per_doubling: float = 0.0
    per_pass: float = 0.0

    def ns(self, n_tokens: float) -> float:
        """Nanoseconds a token in a shard of so many."""
        doublings = math.log2(max(n_tokens, 1) / _UNIT)
        return max(0.0, self.base + self.per_doubling * doublings) + self.per_pass * n_tokens / BLOCK_SUFFIXES

    def seconds(self, n_tokens: float) -> float:
        """Of processor time for a whole shard."""
        return self.ns(n_tokens) * n_tokens / 1e9


@dataclass(frozen=True)
class StageCosts:
    """All stages that begin with token ids.

    Attributes:
        write: reading ids, writing the shard's documents.
        sort: suffix array, directory, stored continuations.
        verify: the proof that the shard is right, checksums included.
        memory_base_bytes: of the process while it sorts, without blocks.
        memory_per_token: of the sorter, without blocks.
    """

    write: Growth
    sort: Growth
    verify: Growth
    memory_base_bytes: float
    memory_per_token: float

    def memory_bytes(self, n_tokens: float, threads: int) -> float:
        """Anonymous memory of the sort of a shard; the text comes on top, as page cache."""
        times = 2 if n_tokens >= _MOST_32_BIT else 1
        return self.memory_base_bytes + times * (self.memory_per_token * n_tokens + block_bytes(n_tokens, threads))

    def predicted(self, n_tokens: int, n_documents: int, threads: int, vocab_size: int, width_bits: int) -> StagePoint:
        """A build of one shard."""
        size, directory = shard_bytes(n_tokens, n_documents, vocab_size, width_bits)
        return StagePoint(
            n_tokens=n_tokens,
            n_documents=n_documents,
            threads=threads,
            write_cpu_s=self.write.seconds(n_tokens),
            sort_cpu_s=self.sort.seconds(n_tokens),
            verify_cpu_s=self.verify.seconds(n_tokens),
            size_bytes=round(size),
            directory_bytes=round(directory),
            memory_bytes=round(self.memory_bytes(n_tokens, threads)),
        )


def block_bytes(n_tokens: float, threads: int) -> float:
    """Memory of the blocks that are sorted at a time."""
    return threads * SUFFIX_BYTES * min(BLOCK_SUFFIXES, n_tokens / (8 * threads))


def fitted(points: Sequence[StagePoint]) -> StageCosts:
    """The functions that measured builds suggest: lines through the times a token, larger builds weighing more.

    Raises:
        QueryError: there are fewer than two sizes.
    """
    if len({point.n_tokens for point in points}) < 2:
        raise QueryError(f"a fit needs builds of at least 2 sizes; there are {len(points)} of one")
    memory = [(point.memory_bytes - block_bytes(point.n_tokens, point.threads)) / point.n_tokens for point in points]
    base_bytes, per_token = _line(points, [1 / point.n_tokens for point in points], memory)
    return StageCosts(
        write=_growth(points, lambda point: point.write_cpu_s),
        sort=_growth(points, lambda point: point.sort_cpu_s, PASS_NS),
        verify=_growth(points, lambda point: point.verify_cpu_s),
        memory_base_bytes=base_bytes,
        memory_per_token=per_token,
    )


def _growth(points: Sequence[StagePoint], seconds: Callable[[StagePoint], float], per_pass: float = 0.0) -> Growth:
    passes = Growth(0.0, 0.0, per_pass)
    doublings = [math.log2(point.n_tokens / _UNIT) for point in points]
    ns = [seconds(point) / point.n_tokens * 1e9 - passes.ns(point.n_tokens) for point in points]
    slope, base = _line(points, doublings, ns)
    return Growth(base, slope, per_pass)


def _line(points: Sequence[StagePoint], x: Sequence[float], y: Sequence[float]) -> tuple[float, float]:
    """Slope, not below 0, and the value at 0 of the line of least squares, each build weighing as its tokens."""
    weights = np.array([point.n_tokens for point in points], dtype=np.float64)
    slope, at_zero = np.polyfit(x, y, 1, w=np.sqrt(weights))
    if slope < 0:
        return 0.0, float(np.average(y, weights=weights))
    return float(slope), float(at_zero)
