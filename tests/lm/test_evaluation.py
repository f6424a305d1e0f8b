"""Compare the evaluation with its parts and the reference: texts, bootstrap, agreement, calibration, near copies."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

import infgram
from infgram.errors import InputError, QueryError
from infgram.lm import (
    DocumentCache,
    InfgramLM,
    Interpolator,
    PositionScores,
    evaluate_models,
    log_linear,
    suffix_features,
)
from infgram.lm.evaluation import Evaluation, evaluate, read_text, texts
from infgram.lm.evaluation.bootstrap import change_interval, document_losses, perplexity_interval
from infgram.lm.evaluation.measures import agreement, calibration, near_copies
from infgram.lm.transformers import TransformersLM
from infgram.types import BuildProgress
from tests.building import build_texts, text_index
from tests.lm.test_transformers import tiny_llama
from tests.reference import ReferenceIndex

TRAIN = ("to be or not to be", "that is the question", "", "whether it is nobler to be") * 3
VALID = ("to be nobler or not", "the question is whether to be", "is it not", "that is that", "be it so")
TEST = ("to be or not to be", "not the question", "it is nobler to question", "x", "")


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[infgram.Index]:
    with build_texts(TRAIN, tmp_path_factory.mktemp("evaluation") / "x.infgram") as opened:
        yield opened


def written(folder: Path, texts: tuple[str, ...], **fields: str) -> Path:
    path = folder / f"{len(texts)}.jsonl"
    path.write_text("".join(json.dumps({"text": text, **fields}) + "\n" for text in texts))
    return path


@pytest.fixture(scope="module")
def found(index: infgram.Index, tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    """An evaluation with a tiny untrained neural model."""
    folder = tmp_path_factory.mktemp("texts")
    (folder / "valid").mkdir()
    stages: list[BuildProgress] = []
    result = evaluate(
        index,
        read_text(index, written(folder, TEST)),
        tune=read_text(index, written(folder / "valid", VALID)),
        neural=TransformersLM(tiny_llama(index.vocab_size), index.vocab_size),
        neural_name="tiny",
        text_name="test",
        progress=stages.append,
    )
    assert {stage.stage for stage in stages} == {"survey", "neural", "index", "fit"}
    assert all(0 <= stage.done <= stage.total for stage in stages)
    return result


def test_models_are_those_of_the_library(index: infgram.Index, found: Evaluation) -> None:
    documents = [index.tokenizer.encode(text) for text in TEST]
    neural = TransformersLM(tiny_llama(index.vocab_size), index.vocab_size).evaluate(documents)
    assert neural.guesses is not None
    of_guesses = {"long": neural.guesses.tokens}
    long = evaluate_models({"long": InfgramLM(index, "kneser_ney")}, documents, guesses=of_guesses)["long"]
    expected = {
        "neural": neural,
        "infgram": InfgramLM(index).evaluate(documents),
        "kneser_ney": long,
        "kneser_ney_5": InfgramLM(index, "kneser_ney", n=5).evaluate(documents),
        "witten_bell": InfgramLM(index, "witten_bell").evaluate(documents),
        "log_linear": log_linear(neural, long, np.concatenate([document[1:] for document in documents])),
        "cache": DocumentCache(index.vocab_size).evaluate(documents),
    }
    assert [result.name for result in found.models] == list(expected)
    for result in found.models:
        assert result.perplexity == pytest.approx(expected[result.name].perplexity)
        share = np.isneginf(expected[result.name].log_probs).mean()
        assert result.impossible_share == pytest.approx(share)
    assert found.n_positions == sum(max(0, len(text) - 1) for text in TEST) == found.n_bytes
    assert found.n_words == sum(len(text[1:].split()) for text in TEST)
    assert found.bits_per_byte(8.0) == pytest.approx(3.0)
    assert found.bits_per_byte(math.inf) == found.perplexity_per_word(math.inf) == math.inf
    assert found.perplexity_per_word(7.0) == pytest.approx(7.0 ** (found.n_positions / found.n_words))


def test_mixtures_are_compared_with_the_rule_of_the_paper(found: Evaluation) -> None:
    named = {result.name: result for result in found.mixtures}
    assert list(named) == ["paper", "kn5", "smoothed", "classes", "classes_cache", "gated_index", "gated"]
    assert named["paper"].change == pytest.approx(0)
    for result in named.values():
        assert result.change == pytest.approx(result.perplexity / named["paper"].perplexity - 1)
        assert result.interval.low <= result.perplexity <= result.interval.high
        assert result.gains[0].bits == pytest.approx(np.log2(found.models[0].perplexity / result.perplexity))
    assert named["smoothed"].perplexity < found.models[0].perplexity


def test_the_json_is_strict_and_has_the_agreed_keys(found: Evaluation) -> None:
    content = json.loads(json.dumps(found.as_json(), allow_nan=False))
    assert {"neural", "paper", "kn5", "smoothed", "gated"} <= set(content["perplexity"])
    assert content["n_positions"] == found.n_positions
    low, high = content["intervals"]["gated"]
    assert low <= content["perplexity"]["gated"] <= high
    assert content["perplexity"]["infgram"] is None  # infinite
    assert content["bits_per_byte"]["infgram"] is None
    losses_bits = math.log2(content["perplexity"]["gated"]) * content["n_positions"]
    assert content["bits_per_byte"]["gated"] == pytest.approx(losses_bits / content["n_bytes"])
    assert content["impossible_share"]["infgram"] > 0


def test_without_a_neural_model_or_a_text_to_tune_on(index: infgram.Index, tmp_path: Path) -> None:
    text = read_text(index, written(tmp_path, TEST))
    alone = evaluate(index, text)
    assert not alone.mixtures
    assert alone.neural_model is None
    assert set(alone.calibration) == {"infgram", "kneser_ney"}
    content = alone.as_json()
    assert content["perplexity"]["neural"] is content["perplexity"]["gated"] is None
    tuned = evaluate(index, text, tune=read_text(index, written(tmp_path, VALID)))
    assert [result.name for result in tuned.mixtures] == ["classes", "classes_cache", "gated_index", "gated"]


@given(st.lists(st.text("ab ", max_size=12), min_size=1, max_size=6))
def test_agreement_is_that_of_the_reference(documents: list[str]) -> None:
    train = ["ab ab", "a b", "bb"]
    reference = ReferenceIndex([list(text.encode()) for text in train], 255)
    predictions = [p for text in documents for p in reference.score(list(text.encode()))[1:]]
    with text_index(train) as index:
        rows = agreement(suffix_features(index, documents)) if predictions else ()
    if predictions:
        agrees = [2 * p.continuation_count > p.context_count for p in predictions]
        sparse = [agree for agree, p in zip(agrees, predictions, strict=True) if p.is_sparse]
        assert rows[-1].agreement == pytest.approx(sum(agrees) / len(agrees))
        assert rows[-1].n_sparse == len(sparse)
        if sparse:
            assert rows[-1].sparse_agreement == pytest.approx(sum(sparse) / len(sparse))
        for row in rows[:-1]:
            low, _, high = row.effective_n.partition("–")
            chosen = [
                agree
                for agree, p in zip(agrees, predictions, strict=True)
                if int(low) <= p.suffix_length + 1 <= int(high or low)
            ]
            assert row.n_positions == len(chosen)
            assert row.agreement == pytest.approx(sum(chosen) / len(chosen))


def test_near_copies(index: infgram.Index) -> None:
    texts = ["x" * 40, "to be or not to be", "that is the question", "whether it is noblxr to be", "short"]
    assert [(copy.document, copy.share) for copy in near_copies(suffix_features(index, texts))] == [(1, 1), (2, 1)]


def test_calibration_compares_entropy_and_loss() -> None:
    generator = np.random.default_rng(0)
    truth = np.sort(generator.uniform(0.5, 1.0, 20_000))
    entropies = -(truth * np.log(truth) + (1 - truth) * np.log(np.maximum(1 - truth, 1e-300)))
    came = np.where(generator.random(len(truth)) < truth, truth, 1 - truth)
    rows = calibration(PositionScores(np.log(came), entropies, np.array([0, len(truth)])))
    assert [row.n_positions for row in rows] == [2000] * 10
    assert [row.expected for row in rows] == sorted(row.expected for row in rows)
    for row in rows:
        assert row.actual == pytest.approx(row.expected, abs=0.06)
    assert calibration(PositionScores(np.log(came), entropies * np.nan, np.array([0, len(truth)]))) == ()


def test_bootstrap_intervals() -> None:
    generator = np.random.default_rng(1)
    starts = np.cumsum([0, *generator.integers(0, 200, 50)])
    log_probs = (
        -generator.exponential(size=int(starts[-1])) - np.repeat(generator.normal(size=50), np.diff(starts)) ** 2
    )
    losses, sizes = document_losses(log_probs, starts), np.diff(starts).astype(np.float64)
    assert losses.sum() == pytest.approx(-log_probs.sum())
    low, high = perplexity_interval(losses, sizes)
    assert low < math.exp(-log_probs.mean()) < high
    assert perplexity_interval(losses, sizes) == (low, high)
    np.testing.assert_allclose(perplexity_interval(sizes * 2, sizes), [math.exp(2)] * 2)
    np.testing.assert_allclose(change_interval(losses + sizes * 0.1, losses, sizes), [math.expm1(0.1)] * 2)
    assert perplexity_interval(np.array([1.0, np.inf]), np.array([1.0, 1.0])) == (math.inf, math.inf)


@given(st.lists(st.integers(0, 30), min_size=1, max_size=6), st.integers(1, 100))
def test_the_longest_documents_are_cut_first(lengths: list[int], max_tokens: int) -> None:
    cap = texts._cap(lengths, max_tokens)
    assert sum(min(length, cap) for length in lengths) <= max_tokens
    if cap < max(lengths):
        assert sum(min(length, cap + 1) for length in lengths) > max_tokens


def test_texts(index: infgram.Index, tmp_path: Path) -> None:
    text = read_text(index, written(tmp_path, ("abcdef", "ab", "é x y"), id="name"), max_tokens=9)
    assert [len(document) for document in text.documents] == [3, 2, 3]
    assert text.names == ("name",) * 3
    assert (text.n_positions, text.n_bytes, text.n_words) == (5, 2 + 1 + 4, 1 + 1 + 1)


def test_invalid_texts(index: infgram.Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="no token to score"):
        read_text(index, written(tmp_path, ("a", "")))
    with pytest.raises(QueryError, match="max_tokens is 0"):
        read_text(index, written(tmp_path, ("abc",)), max_tokens=0)
    monkeypatch.setattr(texts, "MAX_TOKENS", 2)
    with pytest.raises(QueryError, match=r"3 tokens would take about .* pass max_tokens"):
        read_text(index, written(tmp_path, ("abc",)))
    path = tmp_path / "tokens.infgram"
    with (
        infgram.build_from_tokens([[1]], path, vocab_size=3) as tokens,
        pytest.raises(QueryError, match="has no tokenizer"),
    ):
        read_text(tokens, written(tmp_path, ("abc",)))


def test_weights_do_not_depend_on_the_measured_text(index: infgram.Index, tmp_path: Path) -> None:
    """The mixtures have the weights fitted on the tuning text alone."""
    seen: list[Any] = []
    fit = Interpolator.fit.__func__  # type: ignore[attr-defined]

    def spy(cls: type[Interpolator], inputs: Any, /, **options: Any) -> Any:
        seen.append(inputs.n_positions)
        return fit(cls, inputs, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Interpolator, "fit", classmethod(spy))
        valid = read_text(index, written(tmp_path, VALID))
        evaluate(index, read_text(index, written(tmp_path, TEST[:3])), tune=valid)
    assert set(seen) == {valid.n_positions}
