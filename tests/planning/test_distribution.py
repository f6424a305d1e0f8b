"""Quantiles, and draws from between and beyond them."""

from __future__ import annotations

import numpy as np
import pytest

from infgram.errors import QueryError
from infgram.planning import Distribution


def test_as_many_quantiles_as_the_samples_bear() -> None:
    for n_samples, last in ((1, 0.0), (10, 0.7), (3000, 0.999), (300_000, 0.99999)):
        found = Distribution.of(np.arange(1.0, n_samples + 1))
        assert found.probabilities[-1] == last
        assert found.values[0] == 1


def test_draws_have_the_quantiles_of_the_samples() -> None:
    samples = np.random.default_rng(1).lognormal(2, 1, 20_000)
    draws = Distribution.of(samples).draw(np.random.default_rng(2), 20_000)
    for probability in (0.05, 0.5, 0.9, 0.99, 0.999):
        assert np.quantile(draws, probability) == pytest.approx(np.quantile(samples, probability), rel=0.15)


def test_the_logarithm_is_interpolated() -> None:
    found = Distribution((0.0, 0.5), (1.0, 100.0))
    assert found.at(0.25) == pytest.approx(10)


def test_beyond_the_last_quantile_a_pareto_tail_goes_on() -> None:
    random = np.random.default_rng(3)
    samples = (1 / (1 - random.random(100_000))) ** 0.5  # exponent 1/2, whose quantile is (1 - p) ** -0.5
    found = Distribution.of(samples)
    assert found.tail_exponent == pytest.approx(0.5, abs=0.2)
    assert found.at(1 - 1e-6) == pytest.approx(1000, rel=0.7)
    assert found.at(1 - 1e-6) > found.at(1 - 1e-5) > found.values[-1]


def test_a_tail_is_never_heavier_than_one_with_a_mean() -> None:
    assert Distribution((0.0, 0.5, 0.99, 0.999), (1.0, 1.0, 1.0, 1e6)).tail_exponent == 1


def test_a_constant() -> None:
    draws = Distribution.constant(3.0).draw(np.random.default_rng(1), (10, 10))
    assert draws == pytest.approx(3)


@pytest.mark.parametrize(
    ("probabilities", "values"),
    [
        ((), ()),
        ((0.0, 0.5), (1.0,)),
        ((0.1, 0.5), (1.0, 2.0)),
        ((0.0, 1.0), (1.0, 2.0)),
        ((0.0, 0.5), (0.0, 2.0)),
        ((0.0, 0.5), (2.0, 1.0)),
        ((0.0, 0.5, 0.5), (1.0, 1.0, 1.0)),
    ],
)
def test_what_is_no_distribution(probabilities: tuple[float, ...], values: tuple[float, ...]) -> None:
    with pytest.raises(QueryError, match="quantiles"):
        Distribution(probabilities, values)


def test_no_samples() -> None:
    with pytest.raises(QueryError, match="no sample"):
        Distribution.of([])
