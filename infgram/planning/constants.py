"""Placeholder."""

from __future__ import annotations

from typing import Final

from infgram.planning.costs import Growth, StageCosts
from infgram.planning.distribution import Distribution
from infgram.planning.fan_out import Calls, ShardLatency

COSTS: Final = StageCosts(
    write=Growth(6.0, 0.0, 0),
    sort=Growth(110.0, 12.0, 0.1),
    verify=Growth(20.0, 2.0, 0),
    memory_base_bytes=6e7,
    memory_per_token=3.9,
)
TOKENISE_NS_PER_BYTE: Final = 40.0
WIDE_TIMES: Final = 1.5

CALLS: Final = Calls(Distribution((0.0, 0.5, 0.99), (500, 700, 2000)), each_us=80.0)
LATENCIES: Final = {
    ("count", "warm"): ShardLatency(
        Distribution((0.0, 0.5), (1, 2)),
        Distribution((0.0, 0.5), (0.8, 1)),
        0.01,
        Distribution((0.0, 0.5), (10, 20)),
        1e7,
    ),
}
