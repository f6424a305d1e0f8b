"""Compare every smoothing method with its reference, on corpora that are difficult for a suffix array.

The contexts of a small corpus are rare and would not be cached; `FEW_OCCURRENCES` of 0 and 2 make the models cache
them, and a memory limit of one byte makes them empty the cache at each step.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

import infgram
from infgram.lm import InfgramLM, Smoothing, jelinek_mercer_weights
from infgram.lm.models import contexts as shared_contexts
from infgram.lm.models.infgram_lm import SMOOTHINGS
from tests.building import token_index
from tests.reference import END_OF_DOCUMENT, ReferenceIndex
from tests.reference_lm import ReferenceLM, fitted_weights
from tests.strategies import Asked, Layout, Tokens, asked_corpora, layouts

MOST_ROWS = 300  # of a dense distribution that is compared element by element


@contextlib.contextmanager
def keeping(few_places: int, memory_bytes: int) -> Iterator[None]:
    """Set, for models of indexes opened inside, which contexts are cached and the memory of the cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shared_contexts, "FEW_OCCURRENCES", few_places)
        patch.setattr(shared_contexts, "MEMORY_BYTES", memory_bytes)
        yield


keepings = st.sampled_from([(0, 2**30), (2, 2**30), (32, 2**30), (0, 1), (2, 1)])
orders = st.sampled_from([None, 2, 3, 5])
min_counts = st.sampled_from([1, 1, 2, 3])


def sequences(asked: Asked) -> list[Tokens]:
    """Return queries and documents, some concatenated, as texts to score."""
    queries = [query for query in asked.queries if query][-4:]
    return [*queries, *asked.corpus.documents[:3], [token for query in queries for token in query]]


def check_model(
    index: infgram.Index, reference: ReferenceIndex, documents: list[Tokens], model: InfgramLM, **options: Any
) -> None:
    truth = ReferenceLM(reference, model.smoothing, n=model.n, end_token=model.end_token, **options)
    scores = model.evaluate(documents, entropies=True, end=True)
    expected = [
        truth.log_prob(document[:position], row)
        for document in documents
        for position, row in enumerate([*document, END_OF_DOCUMENT])
        if position > 0
    ]
    np.testing.assert_allclose(scores.log_probs, expected, rtol=1e-9, atol=1e-12)
    lengths = [len(document) for document in documents]
    assert scores.document_starts.tolist() == [0, *np.cumsum(lengths).tolist()]
    for document, start in zip(documents, scores.document_starts.tolist(), strict=False):
        np.testing.assert_array_equal(
            model.score(document), scores.log_probs[start : start + max(len(document) - 1, 0)]
        )
        if reference.vocab_size <= MOST_ROWS:
            check_distributions(truth, model, document, scores.entropies[start : start + len(document)])


def check_distributions(truth: ReferenceLM, model: InfgramLM, document: Tokens, entropies: Any) -> None:
    session = model.session()
    for position, token in enumerate(document[:12]):
        session.append(token)
        probs = session.distribution()
        np.testing.assert_allclose(probs, truth.distribution(document[: position + 1]), rtol=1e-9, atol=1e-15)
        if model.smoothing == "stupid_backoff":
            assert np.isnan(entropies).all()
            continue
        assert math.isclose(probs.sum(), 1, rel_tol=1e-12)
        kept = probs[probs > 0]
        assert math.isclose(entropies[position], -(kept * np.log(kept)).sum(), rel_tol=1e-9, abs_tol=1e-9)


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
@given(asked=asked_corpora(), layout=layouts, keeping_as=keepings, n=orders, min_count=min_counts, fold=st.booleans())
def test_a_model_equals_its_reference(
    smoothing: Smoothing,
    asked: Asked,
    layout: Layout,
    keeping_as: tuple[int, int],
    n: int | None,
    min_count: int,
    fold: bool,
) -> None:
    corpus = asked.corpus
    end_token = corpus.alphabet[0] if fold else None
    reference = ReferenceIndex(corpus.documents, corpus.vocab_size)
    with keeping(*keeping_as), token_index(corpus.documents, vocab_size=corpus.vocab_size, layout=layout) as index:
        model = InfgramLM(index, smoothing, n=n, min_count=min_count, end_token=end_token)
        check_model(index, reference, sequences(asked), model, min_count=min_count)


# abcab | (empty) | babc | c | abcaba, with a = 0: few enough to be counted by hand
HAND = [[0, 1, 2, 0, 1], [], [1, 0, 1, 2], [2], [0, 1, 2, 0, 1, 0]]


def test_witten_bell_by_hand() -> None:
    with token_index(HAND, vocab_size=3) as index:
        model = InfgramLM(index, "witten_bell", n=2)
        # the empty context: a 6, b 6, c 4, the end 5 of 21, 4 of them different; after c: a 2, the end 2
        p_a, p_end = (6 + 4 / 4) / 25, (5 + 4 / 4) / 25
        assert math.isclose(math.exp(model.log_prob([2], 0)), (2 + 2 * p_a) / 6)
        assert math.isclose(math.exp(model.log_prob([2], END_OF_DOCUMENT)), (2 + 2 * p_end) / 6)


def test_stupid_backoff_by_hand() -> None:
    with token_index(HAND, vocab_size=3) as index:
        # ca is followed by b, twice; c after ca was never seen, nor after a: 0.4 · 0.4 · 4/21
        assert math.isclose(math.exp(InfgramLM(index, "stupid_backoff").log_prob([2, 0], 2)), 0.16 * 4 / 21)


def test_ppm_by_hand() -> None:
    with token_index(HAND, vocab_size=3) as index:
        # after c came a and the end, twice each: an escape has 1 in 4; without them b has 5.5 and c 3.5 of 10,
        # an escape 1; but with all rows seen there is nothing to escape to: 6 and 4 of 10
        assert math.isclose(math.exp(InfgramLM(index, "ppm").log_prob([2], 1)), 0.25 * 0.6)


def zipf_corpus(n_documents: int, vocab_size: int) -> list[Tokens]:
    """Return documents in which n-grams of many orders occur once to four times."""
    random = np.random.default_rng(7)
    weights = 1 / np.arange(1, vocab_size + 1)
    phrases = [random.choice(vocab_size, size=6, p=weights / weights.sum()).tolist() for _ in range(60)]
    picks = random.integers(len(phrases), size=(n_documents, 4))
    cuts = random.integers(1, 7, size=(n_documents, 4))
    return [
        [token for pick, cut in zip(*row, strict=True) for token in phrases[pick][:cut]]
        for row in zip(picks.tolist(), cuts.tolist(), strict=True)
    ]


@pytest.mark.parametrize("shards", [1, 3])
@pytest.mark.parametrize("width", [8, 16, 32])
@pytest.mark.parametrize("n", [None, 3, 6])
def test_kneser_ney_with_estimated_discounts(n: int | None, width: int, shards: int) -> None:
    documents = zipf_corpus(150, 40)
    reference = ReferenceIndex(documents, 40)
    truth = ReferenceLM(reference, "kneser_ney", n=n)
    assert all(truth.discounts(order, of_counts=False) != (0.5, 1, 1.5) for order in range(1, 6))
    assert truth.discounts(6, of_counts=True) != (0.5, 1, 1.5)
    with keeping(4, 2**30), token_index(documents, vocab_size=40, layout=Layout(width, shards, 1)) as index:
        check_model(index, reference, zipf_corpus(12, 40), InfgramLM(index, "kneser_ney", n=n))


@given(asked=asked_corpora(), layout=layouts, keeping_as=keepings, n=orders, min_count=min_counts)
def test_fitted_weights_are_those_of_the_reference(
    asked: Asked, layout: Layout, keeping_as: tuple[int, int], n: int | None, min_count: int
) -> None:
    corpus, documents = asked.corpus, sequences(asked)
    reference = ReferenceIndex(corpus.documents, corpus.vocab_size)
    with keeping(*keeping_as), token_index(corpus.documents, vocab_size=corpus.vocab_size, layout=layout) as index:
        weights = jelinek_mercer_weights(index, documents, n=n, min_count=min_count, rounds=3)
        expected = fitted_weights(reference, documents, n=n, min_count=min_count, rounds=3)
        np.testing.assert_allclose(weights, expected, rtol=1e-9)
        model = InfgramLM(index, "jelinek_mercer", n=n, min_count=min_count, weights=weights)
        check_model(index, reference, documents, model, min_count=min_count, weights=expected)


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
@pytest.mark.parametrize("few_places", [1, 32])
def test_long_copies(smoothing: Smoothing, few_places: int) -> None:
    """Score a passage of 200 tokens with another ending, with and without nodes for its suffixes."""
    passage = np.random.default_rng(5).integers(0, 6, size=200).tolist()
    documents = [*zipf_corpus(9, 6), [0, *passage, 1], [2, *passage, 3]]
    reference = ReferenceIndex(documents, 6)
    with keeping(few_places, 2**30), token_index(documents, vocab_size=6, layout=Layout(8, 2, 1)) as index:
        model = InfgramLM(index, smoothing)
        truth = ReferenceLM(reference, smoothing)
        asked = [5, *passage[20:], 5]
        scores = model.score(asked, end=True)
        for position in (5, 127, 128, 129, 130, len(asked) - 1, len(asked)):
            expected = truth.log_prob(asked[:position], [*asked, END_OF_DOCUMENT][position])
            assert math.isclose(scores[position - 1], expected, rel_tol=1e-9), position


@pytest.mark.parametrize("smoothing", sorted(set(SMOOTHINGS) - {"none", "stupid_backoff"}))
def test_nothing_is_impossible_after_a_thousand_levels(smoothing: Smoothing) -> None:
    with token_index([[1] * 3000, [2, 3]], vocab_size=5) as index:
        model = InfgramLM(index, smoothing)
        assert np.isfinite(model.score([1] * 1000 + [4, 3])).all()
        assert math.isclose(model.distribution([1] * 1000).sum(), 1)
