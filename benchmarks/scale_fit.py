"""Fit the constants of `infgram plan` to a record of `scale.py`.

    python benchmarks/scale_fit.py RECORD/scale.json > infgram/planning/measured.json

A test compares the two files.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np

sys.path.append(str(Path(__file__).resolve().parent.parent))  # last, so that infgram is the installed one

from benchmarks.report import Row, of_question
from infgram.planning.costs import CostModel, ShardCost, TimePerToken, block_bytes
from infgram.planning.latency import LARGEST_FACTOR, Floats

_ROUNDS: Final = {"count": 1, "next token": 1, "infgram": 2}
_PER_PASS_NS: Final = 0.1  # per token and block, of a pass over the text; too little to be seen in small shards
_DIGITS: Final = 5
_MIN_BEYOND: Final = 2  # samples above the last quantile
_PROBABILITIES: Final = (
    *(0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998),
    *(0.999, 0.9995, 0.9998, 0.9999, 0.99995, 0.99999),
)


def main() -> None:
    """Read the record and print the constants."""
    path = Path(sys.argv[1])
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    fields = (
        f" {json.dumps(name)}: {_lines(value)}" for name, value in constants(rows, "/".join(path.parts[-4:])).items()
    )
    print("{", ",\n".join(fields), "}", sep="\n")


def constants(rows: Sequence[Row], record: str) -> dict[str, Any]:
    """Return the content of `measured.json`."""
    model = fit(shard_costs(rows))
    calls = of_question(rows, "calls")
    each_further_us, _ = np.polyfit([row["owners"] for row in calls], [row["asker_cpu_us"] for row in calls], 1)
    content: dict[str, Any] = _rounded(
        {
            "record": record,
            "machine": {name: rows[0][name] for name in ("date", "cpu", "cores")},
            "costs": asdict(model),
            "tokenize_ns_per_byte": _tokenize_ns_per_byte(rows, model),
            "sort_factor_32_bits": _sort_factor_32_bits(rows, model),
            "call_us": calls[0]["quantiles"],
            "each_further_us": max(0.0, float(each_further_us)),
            "latencies": [_latency(rows, row) for row in of_question(rows, "shards")],
        }
    )
    return content


def shard_costs(rows: Sequence[Row]) -> list[ShardCost]:
    """Return the measured builds, smallest first."""
    names = ShardCost.__dataclass_fields__
    found = [ShardCost(**{name: row[name] for name in names}) for row in of_question(rows, "stages")]
    return sorted(found, key=lambda cost: cost.n_tokens)


def fit(builds: Sequence[ShardCost]) -> CostModel:
    """Fit lines to the costs per token of builds of at least two sizes, weighted by their tokens."""
    memory = [(build.memory_bytes - block_bytes(build.n_tokens, build.threads)) / build.n_tokens for build in builds]
    base_bytes, per_token = _line(builds, [1 / build.n_tokens for build in builds], memory)
    return CostModel(
        write=_time(builds, lambda build: build.write_cpu_s),
        sort=_time(builds, lambda build: build.sort_cpu_s, _PER_PASS_NS),
        verify=_time(builds, lambda build: build.verify_cpu_s),
        memory_base_bytes=base_bytes,
        memory_bytes_per_token=per_token,
    )


def fit_latency(times_us: Floats, shard_tokens: float) -> dict[str, Any]:
    """Return the fields of `infgram.planning.latency.ShardLatency` for the measured times, shards × queries."""
    query_us = np.median(times_us, axis=0)
    late = times_us > LARGEST_FACTOR * query_us
    delays_us = (times_us - LARGEST_FACTOR * query_us)[late]
    return {
        "query_us": quantiles(query_us),
        "shard_factor": quantiles((times_us / query_us)[~late]),
        "delay_share": delays_us.size / times_us.size,
        "delay_us": quantiles(delays_us if delays_us.size else [1.0]),
        "shard_tokens": shard_tokens,
    }


def quantiles(samples: Sequence[float] | Floats) -> dict[str, list[float]]:
    """Return quantiles of positive samples, up to the last one with at least two samples above it."""
    measured = np.asarray(samples, dtype=np.float64)
    probabilities = [0.0, *(p for p in _PROBABILITIES if (1 - p) * measured.size >= _MIN_BEYOND)]
    values = [float(f"{value:.5g}") for value in np.quantile(measured, probabilities)]
    return {"probabilities": probabilities, "values": values}


def _time(builds: Sequence[ShardCost], seconds: Callable[[ShardCost], float], per_pass_ns: float = 0.0) -> TimePerToken:
    passes = TimePerToken(0.0, 0.0, per_pass_ns)
    doublings = [math.log2(build.n_tokens / 1e6) for build in builds]
    ns = [seconds(build) / build.n_tokens * 1e9 - passes.ns(build.n_tokens) for build in builds]
    slope, base = _line(builds, doublings, ns)
    return TimePerToken(base, slope, per_pass_ns)


def _line(builds: Sequence[ShardCost], x: Sequence[float], y: Sequence[float]) -> tuple[float, float]:
    """Return slope, at least 0, and intercept of the weighted least-squares line."""
    weights = np.array([build.n_tokens for build in builds], dtype=np.float64)
    slope, intercept = np.polyfit(x, y, 1, w=np.sqrt(weights))
    if slope < 0:
        return 0.0, float(np.average(y, weights=weights))
    return float(slope), float(intercept)


def _tokenize_ns_per_byte(rows: Sequence[Row], model: CostModel) -> float:
    """Processor time per byte of all texts together, without the time of writing as many token ids."""
    texts = of_question(rows, "text")
    spent_s = sum(row["write_cpu_s"] - model.write.seconds(row["n_tokens"]) for row in texts)
    return float(spent_s / sum(row["text_bytes"] for row in texts) * 1e9)


def _sort_factor_32_bits(rows: Sequence[Row], model: CostModel) -> float:
    (row,) = of_question(rows, "wide")
    return float(row["sort_cpu_s"] / model.sort.seconds(row["n_tokens"]))


def _latency(rows: Sequence[Row], row: Row) -> dict[str, Any]:
    growth = {"growth_per_tenfold": _growth_per_tenfold(rows, row), "rounds": _ROUNDS[row["asked"]]}
    return {"asked": row["asked"], "state": row["state"], "latency": {**row["latency"], **growth}}


def _growth_per_tenfold(rows: Sequence[Row], of: Row) -> float:
    """Growth of one shard's median for ten times the tokens, as a share of the median at the size of `of`."""
    same = [row for row in of_question(rows, "latency") if (row["asked"], row["state"]) == (of["asked"], of["state"])]
    if len(same) < 2:
        return 0.0
    tenfolds = [math.log10(row["n_tokens"] / of["latency"]["shard_tokens"]) for row in same]
    slope, at_shard = np.polyfit(tenfolds, [row["p50"] for row in same], 1)
    return max(0.0, float(slope / at_shard))


def _lines(value: Any) -> str:
    """JSON on one line, a list on one line per item."""
    if not isinstance(value, list):
        return json.dumps(value)
    return "[\n" + ",\n".join(f"  {json.dumps(item)}" for item in value) + "\n ]"


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _rounded(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return float(f"{value:.{_DIGITS}g}") if isinstance(value, float) else value


if __name__ == "__main__":
    main()
