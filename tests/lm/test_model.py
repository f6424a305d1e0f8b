"""Samples, sessions and invalid arguments of `InfgramLM`, and suffix features."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given

import infgram
from infgram.lm import LADDER, InfgramLM, evaluate_models, suffix_features, survey
from tests.building import text_index, token_index, union_index
from tests.lm.test_smoothing import HAND, keeping, keepings, sequences
from tests.reference import END_OF_DOCUMENT, ReferenceIndex
from tests.strategies import Asked, Layout, asked_corpora, layouts


@pytest.fixture(scope="module")
def index() -> Iterator[infgram.Index]:
    with token_index(HAND, vocab_size=5) as opened:
        yield opened


@given(asked=asked_corpora(), layout=layouts, keeping_as=keepings)
def test_features_equal_counts(asked: Asked, layout: Layout, keeping_as: tuple[int, int]) -> None:
    corpus, documents = asked.corpus, sequences(asked)
    reference = ReferenceIndex(corpus.documents, corpus.vocab_size)
    lengths = (1, 2, 4, 9)
    expected: list[list[int]] = []
    rungs: list[list[list[int]]] = []
    for document in documents:
        for position in range(1, len(document)):
            context = document[:position]

            def counts(suffix: list[int], token: int = document[position]) -> list[int]:
                rows = reference.next_token_distribution(suffix)
                return [
                    rows.context_count,
                    rows.n_distinct,
                    dict(zip(rows.token_ids, rows.counts, strict=True)).get(token, 0),
                    max(rows.counts, default=0),
                ]

            longest = reference.longest_suffix(context).length
            expected.append([longest, *counts(context[position - longest :])])
            rungs.append([counts(context[-length:]) if length <= position else [0, 0, 0, 0] for length in lengths])
    with keeping(*keeping_as), token_index(corpus.documents, vocab_size=corpus.vocab_size, layout=layout) as index:
        found = suffix_features(index, documents, lengths=lengths)
    names = ("context_counts", "n_distinct", "continuation_counts", "top_counts")
    columns = [found.suffix_lengths, *(getattr(found, name) for name in names)]
    assert np.stack(columns, axis=1).tolist() == expected
    rungs_found = [getattr(found, f"fixed_{name}") for name in names]
    assert np.stack(rungs_found, axis=2).tolist() == rungs
    assert found.lengths == lengths
    sizes = [max(len(document) - 1, 0) for document in documents]
    assert found.document_starts.tolist() == [0, *np.cumsum(sizes).tolist()]


def test_features_of_nothing(index: infgram.Index) -> None:
    found = suffix_features(index, [])
    assert found.suffix_lengths.shape == (0,)
    assert found.fixed_n_distinct.shape == (0, len(LADDER))
    assert found.document_starts.tolist() == [0]
    assert suffix_features(index, [[], [1]]).document_starts.tolist() == [0, 0, 0]


def test_evaluate_models_equals_single_evaluations(index: infgram.Index) -> None:
    models = {
        "all": InfgramLM(index, end_token=0),
        "long": InfgramLM(index, "kneser_ney"),
        "short": InfgramLM(index, "witten_bell", n=2, min_count=2),
        "ppm": InfgramLM(index, "ppm"),
    }
    found = evaluate_models(models, [*HAND, []], entropies=["long", "ppm"], end=True)
    assert list(found) == list(models)
    for name, model in models.items():
        alone = model.evaluate([*HAND, []], entropies=name in ("long", "ppm"), end=True)
        np.testing.assert_array_equal(found[name].log_probs, alone.log_probs)
        np.testing.assert_array_equal(found[name].entropies, alone.entropies)
        np.testing.assert_array_equal(found[name].document_starts, alone.document_starts)


@pytest.mark.parametrize("end", [False, True])
def test_guesses_equal_single_predictions(index: infgram.Index, end: bool) -> None:
    models = {"all": InfgramLM(index, "kneser_ney", end_token=0), "none": InfgramLM(index)}
    documents = [[], *HAND, [1]]
    n_positions = models["all"].evaluate(documents, end=end).n_positions
    guesses = np.random.default_rng(0).integers(0, index.vocab_size, (n_positions, 3))
    found = evaluate_models(models, documents, guesses={"all": guesses}, end=end)
    assert found["none"].guesses is None
    known = found["all"].guesses
    assert known is not None
    np.testing.assert_array_equal(known.tokens, guesses)
    contexts = [d[:n] for d in documents for n in range(1, len(d) + end)]
    expected = [
        [models["all"].log_prob(context, int(token)) for token in row]
        for context, row in zip(contexts, guesses, strict=True)
    ]
    np.testing.assert_allclose(known.log_probs, expected, rtol=1e-6)
    for wrong in (guesses[:-1], np.repeat(guesses, 2, axis=0)):
        with pytest.raises(infgram.QueryError, match=r"guesses\['all'\] has \d+ rows"):
            evaluate_models(models, documents, guesses={"all": wrong}, end=end)


def test_evaluate_models_needs_one_index(index: infgram.Index) -> None:
    with token_index(HAND, vocab_size=5) as other, pytest.raises(infgram.QueryError, match="2 indexes"):
        evaluate_models({"a": InfgramLM(index), "b": InfgramLM(other)}, HAND)
    with pytest.raises(infgram.QueryError, match="0 indexes"):
        evaluate_models({}, HAND)


def test_scores_of_nothing(index: infgram.Index) -> None:
    model = InfgramLM(index, "witten_bell")
    scores = model.evaluate([[], [1], []])
    assert (scores.n_positions, scores.document_starts.tolist()) == (0, [0, 0, 0, 0])
    assert math.isnan(scores.perplexity)
    assert model.score([]).shape == (0,)
    assert model.score([], end=True).shape == (0,)
    assert model.score([1], end=True).tolist() == [model.log_prob([1], END_OF_DOCUMENT)]


def test_the_unsmoothed_model_is_the_infgram(index: infgram.Index) -> None:
    model = InfgramLM(index)
    for tokens in HAND:
        expected = index.score(tokens, end=True)
        np.testing.assert_allclose(model.score(tokens, end=True), expected.log_probs[1:])
    assert model.log_prob([3], 0) == index.infgram_log_prob([3], 0)
    assert model.perplexity([[0, 2]]) == math.inf


def test_text_is_encoded() -> None:
    with text_index(["a rose is a rose", "is a"]) as index:
        model = InfgramLM(index, "kneser_ney")
        assert model.log_prob("a ros", ord("e")) == model.log_prob(list(b"a ros"), ord("e"))
        np.testing.assert_array_equal(model.score("a rose"), model.score(list(b"a rose")))


def test_a_union() -> None:
    texts = ["abracadabra", "", "cadabra", "abra", "bra"]
    with text_index(texts) as whole, union_index([texts[:2], texts[2:3], texts[3:]]) as union:
        for smoothing in ("kneser_ney", "ppm"):
            one, other = InfgramLM(whole, smoothing), InfgramLM(union, smoothing)
            np.testing.assert_allclose(one.score("abracadaver"), other.score("abracadaver"))


def test_a_session(index: infgram.Index) -> None:
    model = InfgramLM(index, "kneser_ney", end_token=4)
    session = model.session([0])
    session.append(1)
    branch = session.copy()
    session.extend([2, 0])
    np.testing.assert_array_equal(session.distribution(), model.distribution([0, 1, 2, 0]))
    np.testing.assert_array_equal(branch.distribution(), model.distribution([0, 1]))
    assert len(branch.distribution()) == index.vocab_size


def test_samples_follow_the_model(index: infgram.Index) -> None:
    model = InfgramLM(index, "witten_bell")
    assert model.sample([0, 1], max_tokens=30, seed=3) == model.sample([0, 1], max_tokens=30, seed=3)
    first = [model.sample([2], max_tokens=1, seed=seed) for seed in range(400)]
    probs = model.distribution([2])
    for token in range(index.vocab_size):
        assert abs(first.count([token]) / 400 - probs[token]) < 0.08
    assert abs(first.count([]) / 400 - probs[-1]) < 0.08
    assert model.sample([2], max_tokens=0) == []
    likeliest = [int(token) for token in [np.argmax(model.distribution([0, 1]))]]
    assert model.sample([0, 1], max_tokens=1, seed=0, temperature=1e-3) == likeliest


def test_an_end_token_ends_a_sample(index: infgram.Index) -> None:
    model = InfgramLM(index, "witten_bell", end_token=0)
    assert all(0 not in model.sample([1], max_tokens=20, seed=seed) for seed in range(20))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"smoothing": "kn"}, "smoothing is 'kn'; expected 'none', 'stupid_backoff'"),
        ({"smoothing": "kneser_ney", "n": 1}, "n is 1; expected an integer of at least 2"),
        ({"n": 0}, "n is 0; expected an integer of at least 1"),
        ({"min_count": 0}, "min_count is 0"),
        ({"end_token": 5}, "end_token is 5; expected a token id from 0 to 4"),
        ({"weights": np.ones((12, 24))}, "only 'jelinek_mercer' has weights"),
        ({"smoothing": "jelinek_mercer", "weights": np.ones(3)}, r"shape \(3,\); expected .* shape \(12, 24\)"),
        ({"smoothing": "jelinek_mercer", "weights": np.full((12, 24), np.nan)}, "expected numbers from 0 to 1"),
    ],
)
def test_invalid_models(index: infgram.Index, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(infgram.QueryError, match=message):
        InfgramLM(index, **arguments)


def test_invalid_queries(index: infgram.Index) -> None:
    model = InfgramLM(index, "ppm")
    with pytest.raises(infgram.QueryError, match="token is 5; expected a token id"):
        model.log_prob([0], 5)
    with pytest.raises(infgram.QueryError, match="outside the vocabulary"):
        model.score([0, 5])
    with pytest.raises(infgram.QueryError, match="outside the vocabulary"):
        model.session([0]).append(5)
    with pytest.raises(infgram.QueryError, match="temperature is 0"):
        model.sample([0], temperature=0)
    for lengths in ((), (2, 1), (0, 1)):
        with pytest.raises(infgram.QueryError, match="length"):
            suffix_features(index, [[0]], lengths=lengths)


def test_a_closed_index() -> None:
    with token_index(HAND, vocab_size=5) as index:
        model = InfgramLM(index, "kneser_ney")
    for question in (lambda: model.score([0, 1]), lambda: model.distribution([0]), lambda: InfgramLM(index)):
        with pytest.raises(infgram.IndexClosedError):
            question()


def test_the_survey_reports_its_progress() -> None:
    reports: list[tuple[int, int]] = []
    with token_index(HAND, vocab_size=5, layout=Layout(8, 2, 1)) as index:
        survey(index, threads=1, progress=lambda done, total: reports.append((done, total)))
        assert reports[-1] == (index.n_tokens, index.n_tokens)
        n_reports = len(reports)
        survey(index, progress=lambda done, total: reports.append((done, total)))
        assert len(reports) == n_reports  # the survey is finished


def test_an_error_in_a_callback_leaves_the_model_usable(index: infgram.Index) -> None:
    model = InfgramLM(index, "witten_bell")

    def refuse(done: int) -> None:
        raise RuntimeError(str(done))

    with pytest.raises(RuntimeError, match="4"):
        model.evaluate(HAND, progress=refuse)
    assert model.evaluate(HAND).n_positions == 12


def test_many_threads_use_one_model(index: infgram.Index) -> None:
    model = InfgramLM(index, "kneser_ney")
    expected = model.evaluate(HAND, entropies=True)
    failures: list[str] = []

    def ask() -> None:
        for _ in range(30):
            found = model.evaluate(HAND, entropies=True)
            if not np.array_equal(found.log_probs, expected.log_probs):
                failures.append("another answer")

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
