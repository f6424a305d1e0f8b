"""Compare the simulated latency of many shards with exact results."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.scale_fit import fit_latency, quantiles
from infgram.planning.latency import Quantiles, Serving, ShardLatency, simulate_us


def constant(value: float) -> Quantiles:
    return Quantiles((0.0, 0.5), (value, value))


ONE = constant(1.0)
STEADY = ShardLatency(constant(10.0), ONE, 0.0, ONE, shard_tokens=1e6)


def percentiles(latency: ShardLatency, serving: Serving) -> tuple[float, float]:
    """Return the median and the 99th percentile."""
    p50, p99 = np.quantile(simulate_us(latency, serving), (0.5, 0.99))
    return float(p50), float(p99)


def test_the_number_of_quantiles_follows_from_the_samples() -> None:
    for n_samples, last in ((1, 0.0), (10, 0.7), (3000, 0.999), (300_000, 0.99999)):
        found = quantiles(np.arange(1.0, n_samples + 1))
        assert (found["probabilities"][-1], found["values"][0]) == (last, 1)


def test_draws_have_the_quantiles_of_the_samples() -> None:
    samples = np.random.default_rng(1).lognormal(2, 1, 20_000)
    draws = Quantiles(**quantiles(samples)).draw(np.random.default_rng(2), 20_000)
    for probability in (0.05, 0.5, 0.9, 0.99, 0.999):
        assert np.quantile(draws, probability) == pytest.approx(np.quantile(samples, probability), rel=0.15)


def test_the_logarithm_is_interpolated() -> None:
    assert Quantiles((0.0, 0.5), (1.0, 100.0)).at(np.array([0.25])) == pytest.approx(10)


def test_the_tail_is_a_pareto_tail() -> None:
    samples = (1 / (1 - np.random.default_rng(3).random(100_000))) ** 0.5
    tail = Quantiles(**quantiles(samples)).at(1 - np.array([1e-5, 1e-6]))  # exponent 1/2: the quantile is (1 - p)^-0.5
    assert tail == pytest.approx([316, 1000], rel=0.7)
    assert Quantiles((0.0, 0.5, 0.99, 0.999), (1.0, 1.0, 1.0, 1e6)).at(1 - np.array([1e-4])) == pytest.approx(1e7)


@pytest.mark.parametrize(
    ("n_shards", "n_owners", "parallel_shards", "expected"),
    [
        (1, 1, 1, 10),
        (8, 1, 1, 80),
        (8, 8, 1, 10),
        (8, 2, 1, 40),
        (9, 2, 1, 50),
        (8, 1, 4, 20),
        (9, 1, 4, 30),
        (3, 8, 8, 10),
    ],
)
def test_shards_in_a_row_add_up_and_the_slowest_owner_counts(
    n_shards: int, n_owners: int, parallel_shards: int, expected: float
) -> None:
    assert percentiles(STEADY, Serving(n_shards, 1e6, n_owners, parallel_shards)) == pytest.approx((expected, expected))


def test_the_slowest_of_independent_shards() -> None:
    """The largest of S draws has the quantile q where one draw has the quantile q ** (1 / S)."""
    shard = Quantiles(**quantiles(np.random.default_rng(1).lognormal(0, 0.3, 100_000).clip(max=4)))
    latency = replace(STEADY, shard_factor=shard)
    for n_shards in (1, 8, 100, 1000):
        p50, p99 = percentiles(latency, Serving(n_shards, 1e6, n_shards))
        assert p50 == pytest.approx(10 * shard.at(np.array([0.5 ** (1 / n_shards)]))[0], rel=0.05)
        assert p99 == pytest.approx(10 * shard.at(np.array([0.99 ** (1 / n_shards)]))[0], rel=0.15)


def test_a_heavy_query_is_heavy_in_every_shard() -> None:
    latency = replace(STEADY, query_us=Quantiles((0.0, 0.5, 0.9), (1.0, 10.0, 1000.0)))
    one, many = (percentiles(latency, Serving(n_shards, 1e6, n_shards))[0] for n_shards in (1, 100))
    assert many == pytest.approx(one, rel=0.2)


def test_rare_delays_affect_most_queries_to_many_shards() -> None:
    latency = replace(STEADY, delay_share=0.01, delay_us=constant(5000.0))
    assert percentiles(latency, Serving(1, 1e6, 1))[0] == pytest.approx(10)
    assert percentiles(latency, Serving(1000, 1e6, 1000))[0] == pytest.approx(4 * 10 + 5000)


def test_calls_and_rounds() -> None:
    serving = Serving(4, 1e6, 4, call_us=constant(100.0), each_further_us=7.0)
    assert percentiles(STEADY, serving)[0] == pytest.approx(10 + 100 + 3 * 7)
    twice = replace(STEADY, rounds=2)
    assert percentiles(twice, serving)[0] == pytest.approx(2 * (10 + 100 + 3 * 7))


def test_larger_shards_take_longer_with_each_tenfold() -> None:
    growing = replace(STEADY, growth_per_tenfold=0.2)
    assert percentiles(growing, Serving(1, 1e8, 1))[0] == pytest.approx(10 * 1.4)
    assert percentiles(growing, Serving(1, 1.0, 1))[0] == pytest.approx(1)  # a tenth at least


def test_measured_times_are_taken_apart_and_put_together() -> None:
    random = np.random.default_rng(5)
    times = random.lognormal(3, 1, 4000)[None] * random.lognormal(0, 0.2, (8, 4000))
    times += (random.random(times.shape) < 0.01) * 3000.0
    latency = ShardLatency.from_json(fit_latency(times[:, ::2], 1e7))
    assert latency.delay_share == pytest.approx(0.01, rel=0.3)
    slowest = simulate_us(latency, Serving(8, 1e7, 8), n_trials=4000)
    for probability in (0.5, 0.8, 0.99):
        wanted = np.quantile(times[:, 1::2].max(axis=0), probability)
        assert np.quantile(slowest, probability) == pytest.approx(wanted, rel=0.15)


def test_the_same_seed_gives_the_same_times() -> None:
    latency = replace(STEADY, delay_share=0.1, delay_us=Quantiles((0.0, 0.5), (1.0, 100.0)))
    serving = Serving(20, 1e6, 3, 2)
    assert simulate_us(latency, serving, seed=1).tolist() == simulate_us(latency, serving, seed=1).tolist()
    assert simulate_us(latency, serving, seed=1).tolist() != simulate_us(latency, serving, seed=2).tolist()
