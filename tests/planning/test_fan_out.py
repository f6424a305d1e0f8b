"""The time of a question to many shards, compared with what can be computed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from infgram.planning import Calls, Distribution, Serving, ShardLatency, fan_out, simulated_us

ONE = Distribution.constant(1.0)
STEADY = ShardLatency(Distribution.constant(10.0), ONE, 0.0, ONE, shard_tokens=1e6)


@pytest.mark.parametrize(
    ("n_shards", "n_owners", "lanes", "expected"),
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
    n_shards: int, n_owners: int, lanes: int, expected: float
) -> None:
    found = fan_out(STEADY, Serving(n_shards, 1e6, n_owners, lanes))
    assert [found.p50_us, found.p99_us] == pytest.approx([expected, expected])


def test_the_slowest_of_independent_shards() -> None:
    """The largest of S draws has the quantile q where one draw has the quantile q ** (1 / S)."""
    shard = Distribution.of(np.random.default_rng(1).lognormal(0, 0.3, 100_000).clip(max=4))
    latency = replace(STEADY, shard=shard)
    for n_shards in (1, 8, 100, 1000):
        found = fan_out(latency, Serving(n_shards, 1e6, n_shards))
        assert found.p50_us == pytest.approx(10 * shard.at(np.array([0.5 ** (1 / n_shards)]))[0], rel=0.05)
        assert found.p99_us == pytest.approx(10 * shard.at(np.array([0.99 ** (1 / n_shards)]))[0], rel=0.15)


def test_a_heavy_question_is_so_in_every_shard() -> None:
    latency = replace(STEADY, question=Distribution((0.0, 0.5, 0.9), (1.0, 10.0, 1000.0)))
    one, many = (fan_out(latency, Serving(n_shards, 1e6, n_shards)) for n_shards in (1, 100))
    assert many.p50_us == pytest.approx(one.p50_us, rel=0.2)


def test_rare_delays_are_met_by_most_questions_to_many_shards() -> None:
    latency = replace(STEADY, delayed=0.01, delay=Distribution.constant(5000.0))
    assert fan_out(latency, Serving(1, 1e6, 1)).p50_us == pytest.approx(10)
    assert fan_out(latency, Serving(1000, 1e6, 1000)).p50_us == pytest.approx(4 * 10 + 5000)


def test_calls_and_rounds() -> None:
    calls = Calls(Distribution.constant(100.0), each_us=7.0)
    assert fan_out(STEADY, Serving(4, 1e6, 4, calls=calls)).p50_us == pytest.approx(10 + 100 + 3 * 7)
    twice = replace(STEADY, rounds=2)
    assert fan_out(twice, Serving(4, 1e6, 4, calls=calls)).p50_us == pytest.approx(2 * (10 + 100 + 3 * 7))


def test_larger_shards_take_longer_with_each_tenfold() -> None:
    growing = replace(STEADY, growth=0.2)
    assert fan_out(growing, Serving(1, 1e8, 1)).p50_us == pytest.approx(10 * 1.4)
    assert fan_out(growing, Serving(1, 1.0, 1)).p50_us == pytest.approx(1)  # a tenth at least


def test_measured_times_are_taken_apart_and_put_together() -> None:
    random = np.random.default_rng(5)
    times = random.lognormal(3, 1, 4000)[None] * random.lognormal(0, 0.2, (8, 4000))
    times += (random.random(times.shape) < 0.01) * 3000.0
    latency = ShardLatency.of(times[:, ::2], 1e7)
    assert latency.delayed == pytest.approx(0.01, rel=0.3)
    slowest = simulated_us(latency, Serving(8, 1e7, 8), n_trials=4000)
    for probability in (0.5, 0.8, 0.99):
        wanted = np.quantile(times[:, 1::2].max(axis=0), probability)
        assert np.quantile(slowest, probability) == pytest.approx(wanted, rel=0.15)


def test_the_same_seed_gives_the_same_times() -> None:
    latency = replace(STEADY, delayed=0.1, delay=Distribution((0.0, 0.5), (1.0, 100.0)))
    serving = Serving(20, 1e6, 3, 2)
    assert simulated_us(latency, serving, seed=1).tolist() == simulated_us(latency, serving, seed=1).tolist()
    assert simulated_us(latency, serving, seed=1).tolist() != simulated_us(latency, serving, seed=2).tolist()
