"""Compare counts of spans, windows of documents, and samples of documents with the reference."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, strategies as st

import infgram
from tests.building import text_index, token_index
from tests.reference import ReferenceIndex
from tests.strategies import Asked, Layout, asked_corpora, layouts


def ints(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.int64)


@given(asked_corpora(), layouts, st.integers(0, 2**64 - 1))
def test_any_corpus(asked: Asked, layout: Layout, seed: int) -> None:
    corpus = asked.corpus
    reference = ReferenceIndex(corpus.documents, corpus.vocab_size)
    with token_index(corpus.documents, vocab_size=corpus.vocab_size, layout=layout) as index:
        for query in filter(None, asked.queries[-4:]):
            spans = list(combinations(range(len(query) + 1), 2))
            found = index.count_spans(query, ints(*(a for a, _ in spans)), ints(*(b for _, b in spans)))
            assert found.tolist() == [reference.count(query[a:b]) for a, b in spans]
            for limit in (0, 1, 100):
                sample = [tuple(place) for place in index.sample_documents(query, limit=limit, seed=seed)]
                assert sample == reference.sampled_places(query, limit=limit, seed=seed)
        for document_id, tokens in enumerate(corpus.documents):
            for begin, end in ((0, None), (0, 0), (1, 3), (2, 1), (3, 10**9), (10**9, None)):
                assert index.document_tokens(document_id, begin, end).tolist() == tokens[begin:end]


def test_every_occurrence_is_equally_likely_to_be_drawn() -> None:
    """A document with nine of twelve occurrences is drawn first most often."""
    documents = [[1] * 9, [2], [1], [1, 2], [1]]
    with token_index(documents, vocab_size=9, layout=Layout(8, 3, 1)) as index:
        n_seeds = 4000
        found = Counter(
            place.document_id
            for seed in range(n_seeds)
            for place in index.sample_documents([1], limit=9, seed=seed, most_read=1)
        )
        assert sum(found.values()) == n_seeds
        assert set(found) == {0, 2, 3, 4}
        for document_id, share in ((0, 9 / 12), (2, 1 / 12), (3, 1 / 12), (4, 1 / 12)):
            deviation = (n_seeds * share * (1 - share)) ** 0.5
            assert abs(found[document_id] - n_seeds * share) < 5 * deviation
        pairs = Counter(
            frozenset(place.document_id for place in index.sample_documents([2], limit=9, seed=seed, most_read=2))
            for seed in range(20)
        )
        assert set(pairs) == {frozenset({1, 3})}  # as many occurrences as are examined


def test_invalid_arguments() -> None:
    with token_index([[1, 2, 3]], vocab_size=9) as index:
        for begins, ends in ((ints(0), ints(0)), (ints(-1), ints(1)), (ints(1), ints(4)), (ints(2), ints(1))):
            with pytest.raises(infgram.QueryError, match="not inside the 3 tokens"):
                index.count_spans([1, 2, 3], begins, ends)
        with pytest.raises(infgram.QueryError, match="equal length"):
            index.count_spans([1, 2, 3], ints(0, 1), ints(1))
        for options in ({"limit": -1}, {"seed": -1}, {"seed": 2**64}, {"most_read": 0}):
            with pytest.raises(infgram.QueryError):
                index.sample_documents([1], **options)
        with pytest.raises(infgram.QueryError, match="empty"):
            index.sample_documents([])
        for document_id in (-1, 1, 2**70):
            with pytest.raises(infgram.QueryError):
                index.document_tokens(document_id)
            with pytest.raises(infgram.QueryError):
                index.document_metadata(document_id)
        assert index.document_metadata(0) == {}
    with text_index(["a", "b"]) as index:
        assert [index.document_metadata(number) for number in range(2)] == [{"number": 0}, {"number": 1}]
