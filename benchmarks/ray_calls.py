"""Latency of calls to Ray actors: to one, and to several at the same time."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from importlib import import_module
from typing import Any, Final

import numpy as np

from benchmarks.report import Row
from benchmarks.scale_fit import quantiles

OWNERS: Final = (1, 2, 4, 8)
_CALLS: Final = 2000
_WARM_UP: Final = 200


def call_rows() -> Iterator[Row]:
    """Yield a row for each number of owners; nothing if Ray is not installed."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        ray: Any = import_module("ray")
    except ImportError:
        return
    ray.init(
        num_cpus=1,
        include_dashboard=False,
        object_store_memory=80 << 20,
        _node_ip_address="127.0.0.2",  # loopback: no other machine reaches it
        log_to_driver=False,
        logging_level=logging.ERROR,
    )
    try:
        owners = [ray.remote(num_cpus=0)(_owner_class()).remote() for _ in range(max(OWNERS))]
        for n_owners in OWNERS:
            times, asker_us = _times_us(ray, owners[:n_owners])
            p50, p99 = (round(float(np.quantile(times, p)), 1) for p in (0.5, 0.99))
            about = {"question": "calls", "owners": n_owners, "p50": p50, "p99": p99}
            yield {**about, "asker_cpu_us": round(asker_us, 1), "quantiles": quantiles(times)}
    finally:
        ray.shutdown()


def _owner_class() -> type:
    """Return the actor class, defined locally so that Ray's processes need not import this module."""

    class Owner:
        def ask(self, tokens: list[int]) -> list[int]:
            """Return an answer as short as counts are."""
            return tokens

    return Owner


def _times_us(ray: Any, owners: list[Any]) -> tuple[list[float], float]:
    """Return the time until all have answered, for each call, and this process's mean processor time: microseconds."""
    times, cpu_started = [], 0.0
    for number in range(_WARM_UP + _CALLS):
        if number == _WARM_UP:
            cpu_started = time.process_time()
        started = time.perf_counter_ns()
        ray.get([owner.ask.remote([number, 1, 2, 3]) for owner in owners])
        times.append((time.perf_counter_ns() - started) / 1000)
    return times[_WARM_UP:], (time.process_time() - cpu_started) / _CALLS * 1e6
