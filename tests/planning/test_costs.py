"""The cost functions: fitted to builds, and their sizes compared with real indexes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import infgram
from infgram.errors import QueryError
from infgram.planning import StageCosts, StagePoint, fitted
from infgram.planning.costs import BLOCK_SUFFIXES, Growth, block_bytes
from infgram.planning.sizes import shard_bytes

COSTS = StageCosts(Growth(5.0, 0.1), Growth(100.0, 10.0, 0.1), Growth(20.0, 1.0), 5e7, 4.0)


def test_growth() -> None:
    growth = Growth(100.0, 10.0, 0.5)
    assert growth.ns(1e6) == pytest.approx(100 + 0.5e6 / BLOCK_SUFFIXES)
    assert growth.ns(64e6) == pytest.approx(160 + 32e6 / BLOCK_SUFFIXES)
    assert growth.seconds(64e6) == pytest.approx(64e6 * growth.ns(64e6) / 1e9)
    assert Growth(1.0, 10.0).ns(1) == 0


def test_a_fit_finds_the_functions_of_its_points() -> None:
    points = [COSTS.predicted(int(n), int(n / 1000), 2, 50_257, 16) for n in (1e6, 1e7, 1e8)]
    found = fitted(points)
    for stage in ("write", "sort", "verify"):
        assert getattr(found, stage).ns(4e8) == pytest.approx(getattr(COSTS, stage).ns(4e8), rel=1e-6)
    assert found.memory_bytes(4e8, 2) == pytest.approx(COSTS.memory_bytes(4e8, 2), rel=1e-6)


def test_a_fit_needs_two_sizes() -> None:
    point = COSTS.predicted(10**6, 1000, 2, 50_257, 16)
    with pytest.raises(QueryError, match="2 sizes"):
        fitted([point] * 5)


def test_positions_of_64_bits_take_twice_the_memory() -> None:
    below, above = COSTS.memory_bytes(2**32 - 1, 4), COSTS.memory_bytes(2**32, 4)
    assert above - 5e7 == pytest.approx(2 * (below - 5e7))
    assert block_bytes(1e9, 4) == 4 * 26 * BLOCK_SUFFIXES


@pytest.mark.parametrize(("vocab_size", "bits"), [(200, 8), (5000, 16), (70_000, 32)])
def test_sizes_are_those_of_an_index(tmp_path: Path, vocab_size: int, bits: int) -> None:
    random = np.random.default_rng(1)
    ids = (random.zipf(1.2, 60_000) % vocab_size).astype(np.uint32)
    documents = np.split(ids, 100)
    with infgram.build_from_tokens(documents, tmp_path / "index", vocab_size=vocab_size) as index:
        found = index.info()
    assert found["token_width_bits"] == bits
    size, directory = shard_bytes(len(ids), len(documents), vocab_size, bits)
    assert size == pytest.approx(found["size_bytes"], rel=0.03)
    assert directory == pytest.approx(found["directory_bytes"], rel=0.15)


def test_a_prediction_names_all_of_a_measurement() -> None:
    point = COSTS.predicted(10**7, 10**4, 2, 50_257, 16)
    assert isinstance(point, StagePoint)
    assert point.sort_cpu_s == pytest.approx(COSTS.sort.seconds(1e7))
    assert point.size_bytes > point.memory_bytes / 10 > 0
