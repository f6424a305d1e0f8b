"""Cost of building one shard: processor time, disk and memory as functions of its tokens.

The constants are fitted to measured builds by `benchmarks/scale_fit.py`, which writes `measured.json`.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

from infgram.files.sizes import MOST_CONTINUATIONS, shard_bytes

BLOCK_SUFFIXES: Final = 1 << 22  # maximum size of a block of the sorter; each block costs a pass over the text
SUFFIX_BYTES: Final = 26  # per suffix of the block that a thread sorts
_POSITIONS_32_BIT: Final = 2**32  # from this many tokens on, positions take 8 bytes instead of 4
_BASE_TOKENS: Final = 1e6  # the shard size of `TimePerToken.base_ns`


@cache
def measured() -> dict[str, Any]:
    """Return the measured constants: the content of `measured.json`."""
    content: dict[str, Any] = json.loads(files(__package__).joinpath("measured.json").read_bytes())
    return content


@dataclass(frozen=True)
class TimePerToken:
    """Processor time per token of a stage, as a function of the shard's size.

    Attributes:
        base_ns: nanoseconds per token in a shard of a million tokens, without passes.
        per_doubling_ns: added for each doubling of the shard's tokens.
        per_pass_ns: added for each pass over the text, one per `BLOCK_SUFFIXES` tokens.
    """

    base_ns: float
    per_doubling_ns: float = 0.0
    per_pass_ns: float = 0.0

    def ns(self, n_tokens: float) -> float:
        """Nanoseconds per token in a shard of `n_tokens`."""
        doublings = math.log2(max(n_tokens, 1) / _BASE_TOKENS)
        return max(0.0, self.base_ns + self.per_doubling_ns * doublings) + self.per_pass_ns * n_tokens / BLOCK_SUFFIXES

    def seconds(self, n_tokens: float) -> float:
        """Processor seconds for the whole shard."""
        return self.ns(n_tokens) * n_tokens / 1e9


@dataclass(frozen=True)
class ShardCost:
    """Cost of building a shard from token ids, measured or predicted.

    Attributes:
        n_tokens: tokens of the shard.
        n_documents: documents of the shard.
        threads: threads of the build.
        write_cpu_s: processor seconds to read the ids and write the documents.
        sort_cpu_s: processor seconds to build suffix array, directories and stored continuations.
        verify_cpu_s: processor seconds to verify the shard, checksums included.
        size_bytes: size of the finished shard on disk.
        directory_bytes: the part of it that every query reads, best kept in memory.
        memory_bytes: peak anonymous memory of the build.
    """

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
class CostModel:
    """Predicts `ShardCost` from a shard's size.

    Attributes:
        write: time of reading ids and writing documents.
        sort: time of sorting suffixes and writing directories.
        verify: time of verifying.
        memory_base_bytes: memory of the sorting process, independent of the shard.
        memory_bytes_per_token: memory per token, blocks not included.
    """

    write: TimePerToken
    sort: TimePerToken
    verify: TimePerToken
    memory_base_bytes: float
    memory_bytes_per_token: float

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> CostModel:
        """Create the model from the `costs` of `measured.json`."""
        times = {name: TimePerToken(**content[name]) for name in ("write", "sort", "verify")}
        return cls(**{**content, **times})

    def memory_bytes(self, n_tokens: float, threads: int) -> float:
        """Peak anonymous memory of sorting a shard; the text comes on top, in the page cache."""
        factor = 2 if n_tokens >= _POSITIONS_32_BIT else 1
        per_shard = self.memory_bytes_per_token * n_tokens + block_bytes(n_tokens, threads)
        return self.memory_base_bytes + factor * per_shard

    def predict(self, n_tokens: int, n_documents: int, threads: int, vocab_size: int, width_bits: int) -> ShardCost:
        """Predict the cost of one shard."""
        continuation_bytes = (n_tokens + n_documents) * MOST_CONTINUATIONS
        size = shard_bytes(n_tokens, n_documents, vocab_size, width_bits, continuation_bytes=continuation_bytes)
        return ShardCost(
            n_tokens=n_tokens,
            n_documents=n_documents,
            threads=threads,
            write_cpu_s=self.write.seconds(n_tokens),
            sort_cpu_s=self.sort.seconds(n_tokens),
            verify_cpu_s=self.verify.seconds(n_tokens),
            size_bytes=size.total,
            directory_bytes=size.directories,
            memory_bytes=round(self.memory_bytes(n_tokens, threads)),
        )


def block_bytes(n_tokens: float, threads: int) -> float:
    """Memory of the blocks that `threads` threads sort at the same time."""
    return threads * SUFFIX_BYTES * min(BLOCK_SUFFIXES, n_tokens / (8 * threads))
