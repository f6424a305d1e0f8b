"""How long does a question take that is asked of all shards at once?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from infgram.planning.distribution import Distribution, Floats

LARGEST_FACTOR: Final = 4.0
_DRAWS_AT_ONCE: Final = 1 << 22
_TRIALS: Final = 1000  # fewer where there are so many shards that it would take long
_LEAST_TRIALS: Final = 300
_DRAWS: Final = 1 << 21


@dataclass(frozen=True)
class ShardLatency:
    """What one shard takes for a question: a draw for the question, times one for the shard, plus now and then a delay.

    A question that is heavy is so in every shard, since the shards are alike: so its draw is shared. The shard's share
    of the occurrences, and the delays of its machine and its disk, are drawn for each shard.

    Attributes:
        question: microseconds, of a shard of `shard_tokens`.
        shard: a factor about 1, at most `LARGEST_FACTOR`.
        delayed: the share of times that were longer than that.
        delay: by how many microseconds they were.
        shard_tokens: at which it was measured.
        growth: what a question takes more at ten times the tokens, as a share of what it takes at `shard_tokens`.
        rounds: how often all shards are asked, one after the other.
    """

    question: Distribution
    shard: Distribution
    delayed: float
    delay: Distribution
    shard_tokens: float
    growth: float = 0.0
    rounds: int = 1

    @classmethod
    def of(cls, times_us: Floats, shard_tokens: float) -> ShardLatency:
        """What measured times tell: a row a shard, a column a question."""
        question = np.median(times_us, axis=0)
        is_late = times_us > LARGEST_FACTOR * question
        late = (times_us - LARGEST_FACTOR * question)[is_late]
        return cls(
            question=Distribution.of(question),
            shard=Distribution.of((times_us / question)[~is_late]),
            delayed=late.size / times_us.size,
            delay=Distribution.of(late) if late.size else Distribution.constant(1.0),
            shard_tokens=shard_tokens,
        )

    def times(self, shard_tokens: float) -> float:
        """The factor for shards of another size: linear in its logarithm, as the steps of a binary search are."""
        return max(0.1, 1 + self.growth * math.log10(shard_tokens / self.shard_tokens))

    def draw(self, random: np.random.Generator, question_us: Floats, n_shards: int) -> Floats:
        """Microseconds of each shard, a row a question."""
        shape = (len(question_us), n_shards)
        late = random.random(shape) < self.delayed
        times = question_us[:, None] * np.where(late, LARGEST_FACTOR, self.shard.draw(random, shape))
        times[late] += self.delay.draw(random, int(late.sum()))
        return times


@dataclass(frozen=True)
class Calls:
    """What it takes to ask processes on other machines and to have their answers.

    Attributes:
        one: microseconds of a call that is alone.
        each_us: for each further process asked at the same time, as the asker sends and receives one after the other.
    """

    one: Distribution
    each_us: float


@dataclass(frozen=True)
class FanOut:
    """Quantiles in microseconds."""

    p50_us: float
    p99_us: float


@dataclass(frozen=True)
class Serving:
    """Where the shards are.

    Attributes:
        n_shards: in all.
        shard_tokens: of each.
        n_owners: processes that hold them, as evenly as possible, one a machine.
        lanes: threads over which an owner spreads its shards; with one it asks them in a row.
        calls: between the asker and the owners; None where the asker holds the shards itself.
    """

    n_shards: int
    shard_tokens: float
    n_owners: int = 1
    lanes: int = 1
    calls: Calls | None = None


def fan_out(latency: ShardLatency, serving: Serving, seed: int = 0) -> FanOut:
    """Median and 99th percentile of a question to all shards, all owners at once, by simulation."""
    n_trials = max(_LEAST_TRIALS, min(_TRIALS, _DRAWS // serving.n_shards))
    times = simulated_us(latency, serving, seed, n_trials)
    return FanOut(float(np.quantile(times, 0.5)), float(np.quantile(times, 0.99)))


def simulated_us(latency: ShardLatency, serving: Serving, seed: int = 0, n_trials: int = 1000) -> Floats:
    """The time of each of `n_trials` questions: of the slowest owner, in which the slowest lane counts."""
    random = np.random.default_rng([seed, serving.n_shards, serving.n_owners, serving.lanes])
    owners = min(serving.n_owners, serving.n_shards)
    lanes = min(serving.lanes, -(-serving.n_shards // owners))
    question = latency.question.draw(random, n_trials) * latency.times(serving.shard_tokens)
    total = np.zeros(n_trials)
    rows = max(1, _DRAWS_AT_ONCE // serving.n_shards)
    for begin in range(0, n_trials, rows):
        part = slice(begin, min(begin + rows, n_trials))
        n_rows = part.stop - part.start
        for _ in range(latency.rounds):
            shards = latency.draw(random, question[part], serving.n_shards)
            busy = _slowest_lanes(shards, owners, lanes)
            if serving.calls is not None:
                one = serving.calls.one.draw(random, (n_rows, owners))
                busy += one + serving.calls.each_us * np.arange(owners)
            total[part] += busy.max(axis=1)
    return total


def _slowest_lanes(shards: Floats, n_owners: int, lanes: int) -> Floats:
    """For each owner the sum of its slowest lane; owners and lanes hold as many shards as the others, or one fewer."""
    n_rows, n_shards = shards.shape
    width = -(-n_shards // (n_owners * lanes)) * lanes  # places an owner, those without a shard last
    places = np.zeros((n_rows, n_owners, width))
    begins = np.arange(n_owners + 1) * n_shards // n_owners
    for owner in range(n_owners):
        some = shards[:, begins[owner] : begins[owner + 1]]
        places[:, owner, : some.shape[1]] = some
    slowest: Floats = places.reshape(n_rows, n_owners, -1, lanes).sum(axis=2).max(axis=2)
    return slowest
