"""The cost model: formulas, sizes compared with real indexes, and constants compared with their record."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

import infgram
from benchmarks.scale_fit import fit, shard_costs
from infgram.files.sizes import MOST_CONTINUATIONS, shard_bytes
from infgram.planning.costs import BLOCK_SUFFIXES, CostModel, TimePerToken, block_bytes

ROOT = Path(__file__).resolve().parents[2]
RECORD = ROOT / "benchmarks" / "record" / "epyc-2-cores" / "scale.json"
COSTS = CostModel(TimePerToken(5.0, 0.1), TimePerToken(100.0, 10.0, 0.1), TimePerToken(20.0, 1.0), 5e7, 4.0)


def test_growth() -> None:
    growth = TimePerToken(100.0, 10.0, 0.5)
    assert growth.ns(1e6) == pytest.approx(100 + 0.5e6 / BLOCK_SUFFIXES)
    assert growth.ns(64e6) == pytest.approx(160 + 32e6 / BLOCK_SUFFIXES)
    assert growth.seconds(64e6) == pytest.approx(64e6 * growth.ns(64e6) / 1e9)
    assert TimePerToken(1.0, 10.0).ns(1) == 0


def test_a_fit_recovers_the_functions() -> None:
    found = fit([COSTS.predict(int(n), int(n / 1000), 2, 50_257, 16) for n in (1e6, 1e7, 1e8)])
    for stage in ("write", "sort", "verify"):
        assert getattr(found, stage).ns(4e8) == pytest.approx(getattr(COSTS, stage).ns(4e8), rel=1e-6)
    assert found.memory_bytes(4e8, 2) == pytest.approx(COSTS.memory_bytes(4e8, 2), rel=1e-6)


def test_positions_of_64_bits_take_twice_the_memory() -> None:
    below, above = COSTS.memory_bytes(2**32 - 1, 4), COSTS.memory_bytes(2**32, 4)
    assert above - 5e7 == pytest.approx(2 * (below - 5e7))
    assert block_bytes(1e9, 4) == 4 * 26 * BLOCK_SUFFIXES


@pytest.mark.parametrize(("vocab_size", "bits"), [(200, 8), (5000, 16), (70_000, 32)])
def test_sizes_equal_those_of_an_index(tmp_path: Path, vocab_size: int, bits: int) -> None:
    random = np.random.default_rng(1)
    ids = (random.zipf(1.2, 60_000) % vocab_size).astype(np.uint32)
    documents = np.split(ids, 100)
    with infgram.build_from_tokens(documents, tmp_path / "index", vocab_size=vocab_size) as index:
        found = index.info()
    assert found["token_width_bits"] == bits
    continuation_bytes = (len(ids) + len(documents)) * MOST_CONTINUATIONS
    size = shard_bytes(len(ids), len(documents), vocab_size, bits, continuation_bytes=continuation_bytes)
    assert size.total == pytest.approx(found["size_bytes"], rel=0.03)
    assert size.directories == pytest.approx(found["directory_bytes"], rel=0.15)
    stored = [found["sections"][name]["size_bytes"] for name in ("continuations.bin", "stored_contexts.bin")]
    exact = shard_bytes(len(ids), len(documents), vocab_size, bits, continuation_bytes=sum(stored) - 2 * 128)
    assert exact.total == pytest.approx(found["size_bytes"], abs=4)


def test_the_constants_match_the_record() -> None:
    installed = files("infgram.planning").joinpath("measured.json").read_text()
    assert json.loads(installed)["record"] == RECORD.relative_to(ROOT).as_posix()
    command = [sys.executable, str(ROOT / "benchmarks" / "scale_fit.py"), str(RECORD)]
    written = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert installed == written, f"run: {' '.join(command[1:])} > infgram/planning/measured.json"


def test_the_model_predicted_the_largest_build() -> None:
    *smaller, largest = shard_costs([json.loads(line) for line in RECORD.read_text().splitlines()])
    assert largest.n_tokens > 3.9e8
    predicted = fit(smaller).predict(largest.n_tokens, largest.n_documents, largest.threads, 0xFFFF, 16)
    assert predicted.sort_cpu_s == pytest.approx(largest.sort_cpu_s, rel=0.25)
    assert predicted.size_bytes == pytest.approx(largest.size_bytes, rel=0.02)
    assert predicted.directory_bytes == pytest.approx(largest.directory_bytes, rel=0.02)
