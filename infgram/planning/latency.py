"""Latency of a query that is sent to all shards at once, by Monte Carlo simulation over measured quantiles."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

LARGEST_FACTOR: Final = 4.0
"""A shard that takes longer than this multiple of the query's median was delayed by something else."""

_MAX_TAIL_EXPONENT: Final = 1.0  # with a larger one the mean would not exist
_CHUNK_DRAWS: Final = 1 << 22
_TOTAL_DRAWS: Final = 1 << 21
_TRIALS: Final = (300, 1000)  # minimum, for many shards, and maximum


class Quantiles:
    """Measured quantiles of a positive quantity, from which values are drawn.

    The logarithm is interpolated between two quantiles. Beyond the last one the tail is a Pareto tail, whose exponent
    is that of the last measured tenfold decrease of 1 - p.

    Args:
        probabilities: ascending, from 0 to below 1.
        values: the quantile of each probability, above 0 and ascending.
    """

    def __init__(self, probabilities: Sequence[float], values: Sequence[float]) -> None:
        self._probabilities = np.array(probabilities)
        self._logs = np.log(values)
        self._rest = 1 - self._probabilities[-1]
        before = max(0.0, 1 - 10 * self._rest)
        growth = self._logs[-1] - np.interp(before, self._probabilities, self._logs)
        self._exponent = min(_MAX_TAIL_EXPONENT, growth / np.log((1 - before) / self._rest))

    def at(self, probabilities: Floats) -> Floats:
        """Return the quantiles of probabilities in [0, 1)."""
        inside = np.exp(np.interp(probabilities, self._probabilities, self._logs))
        return np.asarray(inside * (self._rest / np.minimum(self._rest, 1 - probabilities)) ** self._exponent)

    def draw(self, random: np.random.Generator, shape: int | tuple[int, ...]) -> Floats:
        """Return independent draws."""
        return self.at(random.random(shape))


@dataclass(frozen=True)
class ShardLatency:
    """Latency of one shard: a draw per query, times a draw per shard, plus an occasional delay.

    A heavy query is heavy in every shard, as shards are alike: its draw is shared. The shard's share of the
    occurrences, and the delays of its machine and disk, are drawn for each shard.

    Attributes:
        query_us: microseconds of a query to a shard of `shard_tokens`.
        shard_factor: factor of one shard, with median 1 and at most `LARGEST_FACTOR`.
        delay_share: share of the measured times above `LARGEST_FACTOR`.
        delay_us: their excess over it, in microseconds.
        shard_tokens: tokens of the measured shards.
        growth_per_tenfold: increase for ten times the tokens, as a share of the time at `shard_tokens`.
        rounds: how often a query visits all shards, one round after the other.
    """

    query_us: Quantiles
    shard_factor: Quantiles
    delay_share: float
    delay_us: Quantiles
    shard_tokens: float
    growth_per_tenfold: float = 0.0
    rounds: int = 1

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> ShardLatency:
        """Create it from one of the `latencies` of `measured.json`."""
        quantiles = {name: Quantiles(**content[name]) for name in ("query_us", "shard_factor", "delay_us")}
        return cls(**{**content, **quantiles})

    def draw(self, random: np.random.Generator, query_us: Floats, n_shards: int) -> Floats:
        """Draw the microseconds of each shard: queries × shards."""
        shape = (len(query_us), n_shards)
        late = random.random(shape) < self.delay_share
        times = query_us[:, None] * np.where(late, LARGEST_FACTOR, self.shard_factor.draw(random, shape))
        times[late] += self.delay_us.draw(random, int(late.sum()))
        return times


@dataclass(frozen=True)
class Serving:
    """How the shards are distributed.

    Attributes:
        n_shards: number of shards.
        shard_tokens: tokens of each shard.
        n_owners: processes that hold the shards in equal parts, each on a machine of its own.
        parallel_shards: shards that an owner queries in parallel; each lane works through its shards in sequence.
        call_us: latency of one remote call in microseconds; None if the caller holds the shards itself.
        each_further_us: processor time of the caller for each further owner, in microseconds.
    """

    n_shards: int
    shard_tokens: float
    n_owners: int = 1
    parallel_shards: int = 1
    call_us: Quantiles | None = None
    each_further_us: float = 0.0


def simulate_us(latency: ShardLatency, serving: Serving, seed: int = 0, n_trials: int | None = None) -> Floats:
    """Return simulated latencies in microseconds: all owners work at once, and the slowest lane decides.

    Args:
        latency: of one shard.
        serving: where the shards are.
        seed: of the random draws.
        n_trials: number of queries; None for 300 to 1,000, fewer for more shards.
    """
    n_shards, n_owners = serving.n_shards, min(serving.n_owners, serving.n_shards)
    if n_trials is None:
        n_trials = int(np.clip(_TOTAL_DRAWS // n_shards, *_TRIALS))
    random = np.random.default_rng([seed, n_shards, serving.n_owners, serving.parallel_shards])
    growth = 1 + latency.growth_per_tenfold * math.log10(serving.shard_tokens / latency.shard_tokens)
    query_us = latency.query_us.draw(random, n_trials) * max(0.1, growth)
    totals = []
    for part in np.array_split(query_us, -(-n_trials * n_shards // _CHUNK_DRAWS)):
        total = np.zeros(len(part))
        for _ in range(latency.rounds):
            busy = _slowest_lane(latency.draw(random, part, n_shards), n_owners, serving.parallel_shards)
            if serving.call_us is not None:
                busy += serving.call_us.draw(random, busy.shape) + serving.each_further_us * np.arange(n_owners)
            total += busy.max(axis=1)
        totals.append(total)
    return np.concatenate(totals)


def _slowest_lane(shard_us: Floats, n_owners: int, parallel_shards: int) -> Floats:
    """Return queries × owners: the sum of the owner's slowest lane, its shards dealt to its lanes in turn."""
    n_shards = shard_us.shape[1]
    begins = np.arange(n_owners + 1) * n_shards // n_owners
    owner = np.repeat(np.arange(n_owners), np.diff(begins))
    lane = owner * parallel_shards + (np.arange(n_shards) - begins[owner]) % parallel_shards
    order = np.argsort(lane, kind="stable")
    lane_begins = np.flatnonzero(np.diff(lane[order], prepend=-1))
    sums = np.add.reduceat(shard_us[:, order], lane_begins, axis=1)
    owner_begins = np.searchsorted(owner[order][lane_begins], np.arange(n_owners))
    return np.asarray(np.maximum.reduceat(sums, owner_begins, axis=1))
