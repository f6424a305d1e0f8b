"""The document cache against its definition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

from infgram.errors import QueryError
from infgram.lm import DocumentCache
from tests.reference import cache_distribution

documents = st.lists(st.lists(st.integers(0, 2), max_size=25), max_size=5)


@given(documents, st.integers(0, 4), st.integers(3, 300))
def test_every_position_equals_the_reference(texts: list[list[int]], order: int, vocab_size: int) -> None:
    cache = DocumentCache(vocab_size, order=order)
    scores = cache.evaluate([np.array(text, dtype=np.int64) for text in texts])
    expected = [
        cache_distribution(text[:offset], vocab_size, order)[text[offset]]
        for text in texts
        for offset in range(1, len(text))
    ]
    np.testing.assert_allclose(np.exp(scores.log_probs), expected, rtol=1e-12)
    assert scores.document_starts.tolist() == np.cumsum([0, *(max(0, len(text) - 1) for text in texts)]).tolist()
    assert scores.context_counts.shape == scores.n_distinct.shape == (len(expected), order + 1)


@given(st.lists(st.integers(0, 2), max_size=25), st.integers(0, 4))
def test_the_distribution_is_proper(text: list[int], order: int) -> None:
    found = DocumentCache(5, order=order).distribution(text)
    np.testing.assert_allclose(found, cache_distribution(text, 5, order), rtol=1e-12)
    assert found.sum() == pytest.approx(1, abs=1e-12)


def test_counts_are_those_of_the_preceding_tokens() -> None:
    scores = DocumentCache(9, order=2).evaluate([np.array([7, 1, 2, 1, 2, 1])])
    assert scores.context_counts.tolist() == [[1, 0, 0], [2, 0, 0], [3, 0, 0], [4, 1, 0], [5, 1, 1]]
    assert scores.n_distinct.tolist() == [[1, 0, 0], [2, 0, 0], [3, 0, 0], [3, 1, 0], [3, 1, 1]]


def test_invalid_arguments() -> None:
    with pytest.raises(QueryError, match="ids go from 0 to 4"):
        DocumentCache(5).evaluate([np.array([1, 5])])
    with pytest.raises(QueryError, match="order is -1"):
        DocumentCache(5, order=-1)
