"""Longest matches by block equal those of one call, for any block size and match length."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, strategies as st

import infgram
from infgram.analysis.matches import match_lengths
from infgram.types import BuildProgress
from infgram.watch import Watch
from tests.building import token_index
from tests.reference import ReferenceIndex
from tests.strategies import Asked, Layout, Tokens, asked_corpora, layouts


@given(asked_corpora(), layouts, st.sampled_from([1, 2, 3, 5, 8, 4096]))
def test_any_corpus(asked: Asked, layout: Layout, block_tokens: int) -> None:
    corpus = asked.corpus
    reference = ReferenceIndex(corpus.documents, corpus.vocab_size)
    with token_index(corpus.documents, vocab_size=corpus.vocab_size, layout=layout) as index:
        for tokens in asked.queries[-6:]:
            found = match_lengths(index, np.array(tokens, dtype=np.int64), Watch(), block_tokens=block_tokens)
            assert found.tolist() == [length for length, _ in reference.longest_matches(tokens)]


def _texts() -> dict[str, tuple[list[Tokens], Tokens]]:
    """Draw a corpus and a query."""
    rng = random.Random(1)
    noise = [rng.randrange(4) for _ in range(3000)]
    return {
        "a copy": ([noise], noise),
        "a piece of it": ([noise], noise[700:2500]),
        "copies with errors": ([noise], [token if rng.random() > 0.01 else 5 for token in noise]),
        "two documents joined": ([noise[:1500], noise[1500:]], noise),
        "one token": ([[1] * 1000], [1] * 3000),
        "a period": ([[0, 1, 2] * 300], [0, 1, 2] * 1000),
        "nothing of it": ([noise], [5] * 100),
        "a copy, then nothing": ([noise], [*noise, 5]),
    }


@pytest.mark.parametrize("name", _texts())
@pytest.mark.parametrize("block_tokens", [1, 7, 64, 1000])
def test_matches_longer_than_a_block(name: str, block_tokens: int) -> None:
    documents, tokens = _texts()[name]
    with token_index(documents, vocab_size=6) as index:
        token_ids = np.array(tokens, dtype=np.int64)
        found = match_lengths(index, token_ids, Watch(), block_tokens=block_tokens)
        assert np.array_equal(found, index.longest_matches(token_ids).lengths)


def test_progress_and_time_limit() -> None:
    told: list[BuildProgress] = []
    with token_index([[0, 1, 2]], vocab_size=6) as index:
        token_ids = np.array([5, 0, 1, 5] * 10, dtype=np.int64)
        match_lengths(index, token_ids, Watch(progress=told.append), block_tokens=8)
        assert [progress.done for progress in told] == sorted(progress.done for progress in told)
        assert told[-1] == BuildProgress("match", 40, 40, "tokens")
        with pytest.raises(infgram.TimeLimitError, match=r"1e-09 s.*0 of 40 tokens.*--timeout"):
            match_lengths(index, token_ids, Watch(1e-9))


@pytest.mark.parametrize("timeout_s", [0, -1, float("nan"), True])
def test_a_time_limit_is_a_positive_number(timeout_s: float) -> None:
    with pytest.raises(infgram.QueryError, match="timeout_s"):
        Watch(timeout_s)
