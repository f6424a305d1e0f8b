"""Compare log-linear interpolation over guesses with its definition over the whole vocabulary."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from infgram.errors import QueryError
from infgram.lm import Guesses, PositionScores, log_linear
from infgram.types import Float64Array, Int64Array

VOCAB_SIZE = 7
N_GUESSES = 3


def models(seed: int, n_positions: int) -> tuple[Float64Array, Float64Array]:
    """Return two distributions at every position; in the second, some tokens are impossible."""
    generator = np.random.default_rng(seed)
    first, second = generator.dirichlet(np.full(VOCAB_SIZE, 0.5), size=(2, n_positions))
    second[generator.random(second.shape) < 0.3] = 0
    return first, second


def scores_of(distributions: Float64Array, tokens: Int64Array, guesses: Int64Array) -> PositionScores:
    with np.errstate(divide="ignore"):
        log_probs = np.log(distributions)
    rows = np.arange(len(tokens))
    plogp = np.where(distributions > 0, distributions * np.where(distributions > 0, log_probs, 0), 0)
    of_guesses = np.take_along_axis(log_probs, guesses, axis=1)
    return PositionScores(
        log_probs[rows, tokens],
        -plogp.sum(axis=1),
        np.array([0, len(tokens)]),
        Guesses(guesses.astype(np.int32), of_guesses.astype(np.float32)),
    )


@pytest.mark.parametrize("seed", range(5))
def test_it_is_a_distribution_and_equals_the_definition(seed: int) -> None:
    first, second = models(seed, VOCAB_SIZE)
    first[:] = first[0]  # one context with each token once
    second[:] = second[0]
    guesses = np.argsort(-first, axis=1)[:, :N_GUESSES]
    tokens = np.arange(VOCAB_SIZE)
    found = log_linear(scores_of(first, tokens, guesses), scores_of(second, tokens, guesses), tokens)
    expected = first[0].copy()
    products = np.sqrt(first[0, guesses[0]] * np.maximum(second[0, guesses[0]], np.exp(-12)))
    expected[guesses[0]] = products / products.sum() * first[0, guesses[0]].sum()
    np.testing.assert_allclose(np.exp(found.log_probs), expected, rtol=1e-4)
    assert np.exp(found.log_probs).sum() == pytest.approx(1, abs=1e-5)
    np.testing.assert_allclose(found.entropies, -(expected * np.log(expected)).sum(), rtol=1e-4)


def test_gate_inputs_do_not_depend_on_the_token() -> None:
    first, second = models(9, 50)
    guesses = np.argsort(-first, axis=1)[:, :N_GUESSES]
    generator = np.random.default_rng(0)
    one, other = (
        log_linear(scores_of(first, tokens, guesses), scores_of(second, tokens, guesses), tokens).inputs
        for tokens in generator.integers(0, VOCAB_SIZE, (2, 50))
    )
    assert list(one) == ["first guess", "first guess, other model", "divergence of guesses"]
    for name, column in one.items():
        np.testing.assert_array_equal(column, other[name])
        assert np.isfinite(column).all()


def test_invalid_arguments() -> None:
    first, second = models(0, 4)
    tokens, guesses = np.zeros(4, dtype=np.int64), np.tile([0, 1, 2], (4, 1))
    own = scores_of(first, tokens, guesses)
    with pytest.raises(QueryError, match="has no guesses"):
        log_linear(own, replace(own, guesses=None), tokens)
    with pytest.raises(QueryError, match="different guesses"):
        log_linear(own, scores_of(second, tokens, guesses + 1), tokens)
