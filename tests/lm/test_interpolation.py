"""Interpolation: weights by class against a plain expectation maximization, files, and invalid arguments."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, strategies as st

from infgram.errors import InputError, QueryError
from infgram.files.signed_json import write_signed
from infgram.lm import Interpolator, MixtureInputs
from infgram.lm.mixing.gate_inputs import running_averages
from infgram.lm.mixing.interpolator import By
from infgram.lm.mixing.mixture_inputs import N_FOLDS, folds_of
from tests import reference
from tests.lm.mixture_inputs import random_inputs, scores_of

WAYS: tuple[By, ...] = get_args(By)


@pytest.mark.parametrize("by", WAYS)
def test_weights_sum_to_one_and_mix_probabilities(by: By) -> None:
    inputs = random_inputs(1)
    mixture = Interpolator.fit(inputs, by=by)
    weights = mixture.weights(inputs)
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-12)
    assert (weights >= 0).all()
    probabilities = np.exp(inputs.log_probs(mixture.models))
    np.testing.assert_allclose(np.exp(mixture.log_probs(inputs)), (weights * probabilities).sum(axis=1), rtol=1e-9)


def test_one_weight_and_the_papers_two_are_those_of_the_reference() -> None:
    inputs = random_inputs(2, n_models=2)
    probabilities = np.exp(inputs.log_probs(["model 0", "model 1"]))
    one = Interpolator.fit(inputs, by="one").weights(inputs)
    np.testing.assert_allclose(one[0], reference.mixture_weights(probabilities.tolist(), 60), rtol=1e-9)
    assert inputs.suffixes is not None
    two = Interpolator.fit(inputs, by="sparse").weights(inputs)
    for sparse in (True, False):
        places = (inputs.suffixes.n_distinct == 1) == sparse
        expected = reference.mixture_weights(probabilities[places].tolist(), 60)
        np.testing.assert_allclose(two[places], np.tile(expected, (int(places.sum()), 1)), rtol=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_weights_by_class_are_better_on_unseen_text(seed: int) -> None:
    fitted, other = random_inputs(seed, sizes=(800,) * 8), random_inputs(seed + 100)
    one, sparse, by_class, gate = (-Interpolator.fit(fitted, by=by).log_probs(other).mean() for by in WAYS)
    best_alone = min(-other.log_probs([name]).mean() for name in other.scores)
    assert gate < by_class - 0.05
    assert by_class < sparse + 0.01
    assert sparse < one - 0.1
    assert one < best_alone - 0.1


def test_the_gate_is_not_worse_with_random_inputs() -> None:
    """Models and contexts are independent, so no gate can be better than one weight."""
    generator = np.random.default_rng(0)
    inputs = random_inputs(5, sizes=(400,) * 6)
    scores = {name: scores_of(generator.beta(1, 3, inputs.n_positions), inputs.document_starts) for name in ("a", "b")}
    noise = MixtureInputs(scores, inputs.suffixes)
    other = random_inputs(6, sizes=(400,) * 6)
    scores = {name: scores_of(generator.beta(1, 3, other.n_positions), other.document_starts) for name in ("a", "b")}
    unseen = MixtureInputs(scores, other.suffixes)
    one, gate = (-Interpolator.fit(noise, by=by).log_probs(unseen).mean() for by in ("one", "gate"))
    assert gate < one + 0.02


@pytest.mark.parametrize("by", WAYS)
def test_save_and_load(by: By, tmp_path: Path) -> None:
    inputs = random_inputs(3)
    mixture = Interpolator.fit(inputs, by=by, models=["model 2", "model 0"], seed=4)
    mixture.save(tmp_path / "weights.json")
    loaded = Interpolator.load(tmp_path / "weights.json")
    assert (loaded.models, loaded.by) == (("model 2", "model 0"), by)
    np.testing.assert_array_equal(loaded.weights(inputs), mixture.weights(inputs))
    np.testing.assert_array_equal(
        Interpolator.fit(inputs, by=by, models=["model 2", "model 0"], seed=4).weights(inputs),
        mixture.weights(inputs),
    )


def test_gains_add_up() -> None:
    inputs = random_inputs(4)
    mixture = Interpolator.fit(inputs, by="class")
    everything, sparse, others, *by_length = mixture.gains(inputs, over="model 1")
    assert (everything.name, sparse.name, others.name) == ("all", "sparse", "not sparse")
    assert everything.n_positions == inputs.n_positions == sum(gain.n_positions for gain in by_length)
    for parts in ([sparse, others], by_length):
        total = sum(gain.bits * gain.n_positions for gain in parts)
        assert total == pytest.approx(everything.bits * everything.n_positions)
    saved = (mixture.log_probs(inputs) - inputs.scores["model 1"].log_probs).mean() / np.log(2)
    assert everything.bits == pytest.approx(saved)
    assert sum(everything.weights.values()) == pytest.approx(1)


def test_positions_impossible_for_every_model_are_ignored() -> None:
    starts = np.array([0, 4])
    scores = {
        "a": scores_of(np.array([0.5, 0, 0.5, 0.1]), starts),
        "b": scores_of(np.array([0.1, 0, 0.1, 0.2]), starts),
    }
    mixture = Interpolator.fit(MixtureInputs(scores), by="one")
    expected = reference.mixture_weights([[0.5, 0.1], [0.5, 0.1], [0.1, 0.2]], 60)
    np.testing.assert_allclose(mixture.weights(MixtureInputs(scores))[0], expected, rtol=1e-9)
    assert mixture.log_probs(MixtureInputs(scores))[1] == -np.inf


@pytest.mark.parametrize("sizes", [(), (0,), (0, 1), (50,), (2, 3, 2), (100,) * 9, (1000, 1, 1, 1, 1), (7, 90, 70, 80)])
def test_folds_are_whole_documents_of_similar_size(sizes: tuple[int, ...]) -> None:
    starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    parts = folds_of(starts)
    assert parts.shape == (sum(sizes),)
    n_in_part = np.bincount(parts, minlength=N_FOLDS)
    assert len(n_in_part) == N_FOLDS
    if max(sizes, default=0) <= sum(sizes) / N_FOLDS:
        assert all(len(set(parts[begin:end])) <= 1 for begin, end in pairwise(starts.tolist()))
        assert np.ptp(n_in_part) <= max(sizes, default=0)
    else:
        assert np.ptp(n_in_part) <= len(sizes)


@given(
    st.lists(st.lists(st.floats(-10, 10), max_size=300), min_size=1, max_size=3), st.sampled_from([1.0, 1.5, 8.0, 64.0])
)
def test_running_averages(documents: list[list[float]], horizon: float) -> None:
    values = np.array([value for document in documents for value in document])[:, None]
    starts = np.cumsum([0, *map(len, documents)])
    expected = [value for document in documents for value in reference.running_averages(document, horizon)]
    np.testing.assert_allclose(running_averages(values, starts, horizon)[:, 0], expected, atol=1e-9)


def test_invalid_arguments() -> None:
    inputs = random_inputs(1)
    bare = MixtureInputs(inputs.scores)
    with pytest.raises(QueryError, match="by is 'best'"):
        Interpolator.fit(inputs, by="best")  # type: ignore[arg-type]
    with pytest.raises(QueryError, match="depend on the contexts"):
        Interpolator.fit(bare, by="class")
    with pytest.raises(QueryError, match="no scores of nobody; there are scores of model 0"):
        Interpolator.fit(inputs, models=["nobody"])
    with pytest.raises(QueryError, match="scores is empty"):
        MixtureInputs({})
    with pytest.raises(QueryError, match="have different positions"):
        MixtureInputs({"a": inputs.scores["model 0"], "b": random_inputs(1, sizes=(7,)).scores["model 0"]})
    with pytest.raises(QueryError, match="must have one finite number for each"):
        MixtureInputs({"a": replace(inputs.scores["model 1"], inputs={"x": np.full(inputs.n_positions, np.nan)})})
    with pytest.raises(QueryError, match="every position probability 0"):
        Interpolator.fit(MixtureInputs({"a": scores_of(np.zeros(3), np.array([0, 3]))}), by="one")
    gate = Interpolator.fit(inputs, by="gate")
    without_inputs = {name: replace(scores, inputs={}) for name, scores in inputs.scores.items()}
    with pytest.raises(QueryError, match=r"inputs that the gate was fitted with are missing: which"):
        gate.weights(MixtureInputs(without_inputs, inputs.suffixes))
    with pytest.raises(QueryError, match="sum to one"):
        Interpolator.fixed({"a": 0.5, "b": 0.6})


def test_fixed_weights() -> None:
    inputs = random_inputs(1)
    weights = Interpolator.fixed({"model 1": 0.25, "model 0": 0.75}).weights(inputs)
    np.testing.assert_array_equal(weights, np.tile([0.25, 0.75], (inputs.n_positions, 1)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: content.update(version=2), "reads version 1"),
        (lambda content: content.update(format="x"), "not an interpolator"),
        (lambda content: content.update(by="best"), "malformed weights"),
        (lambda content: content["weighting"].pop("network"), "malformed weights"),
        (lambda content: content["weighting"]["network"].pop(), "malformed weights"),
        (lambda content: content["weighting"].update(table_share=2), "malformed weights"),
        (lambda content: content["weighting"]["table"]["levels"][0]["0"].append(1), "malformed weights"),
        (lambda content: content.update(models=["one"]), "malformed weights"),
        (lambda content: content.update(models=["one", "one"]), "malformed weights"),
        (lambda content: content.update(by="class", weighting=content["weighting"]["table"]), "malformed weights"),
        (lambda content: content["weighting"].update(table_share=10**400), "malformed weights"),
        (lambda content: content["weighting"]["means"].__setitem__(0, 10**400), "malformed weights"),
        (lambda content: content["weighting"]["table"].update(levels=[{"0": [0.5, 0.5]}]), "malformed weights"),
    ],
)
def test_invalid_files(change: Any, message: str, tmp_path: Path) -> None:
    path = tmp_path / "weights.json"
    Interpolator.fit(random_inputs(1), by="gate").save(path)
    content = json.loads(path.read_text())
    content.pop("sha256")
    change(content)
    write_signed(path, content)
    with pytest.raises(InputError, match=message):
        Interpolator.load(path)


def test_damaged_files(tmp_path: Path) -> None:
    path = tmp_path / "weights.json"
    Interpolator.fit(random_inputs(1), by="one").save(path)
    path.write_text(path.read_text().replace("0.", "0.1", 1))
    with pytest.raises(InputError, match="wrong checksum"):
        Interpolator.load(path)
    path.write_text("[]")
    with pytest.raises(InputError, match="not an interpolator"):
        Interpolator.load(path)
    with pytest.raises(InputError, match="cannot be read"):
        Interpolator.load(tmp_path / "nothing.json")
