"""What is to be indexed, and its shards."""

from __future__ import annotations

from typing import Any

import pytest

from infgram.errors import QueryError
from infgram.planning import Workload


@pytest.mark.parametrize(
    ("n_tokens", "shard_tokens", "n_shards", "each"),
    [(1, 1, 1, 1), (10, 5, 2, 5), (11, 5, 3, 4), (5, 10, 1, 5), (5 * 10**12, 4 * 10**9, 1250, 4 * 10**9)],
)
def test_shards_are_of_one_size(n_tokens: int, shard_tokens: int, n_shards: int, each: int) -> None:
    workload = Workload(n_tokens, shard_tokens)
    assert (workload.n_shards, workload.tokens_of_a_shard) == (n_shards, each)


@pytest.mark.parametrize(("vocab_size", "bits"), [(255, 8), (256, 16), (65_535, 16), (65_536, 32), (2**32 - 1, 32)])
def test_the_vocabulary_decides_the_width(vocab_size: int, bits: int) -> None:
    assert Workload(100, 10, vocab_size=vocab_size).token_width_bits == bits


@pytest.mark.parametrize(
    "wrong",
    [
        {"n_tokens": 0},
        {"n_tokens": 10**19},
        {"n_tokens": True},
        {"shard_tokens": 0},
        {"shard_tokens": 2**41},
        {"tokens_per_document": 0.5},
        {"vocab_size": 2**32},
        {"text_bytes_per_token": -1},
        {"text_bytes_per_token": float("nan")},
        {"n_tokens": 10**12, "shard_tokens": 10**5},
    ],
)
def test_numbers_out_of_range(wrong: dict[str, Any]) -> None:
    with pytest.raises(QueryError, match="expected"):
        Workload(**{"n_tokens": 10**6, "shard_tokens": 10**5, **wrong})
