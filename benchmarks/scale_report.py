"""The record of `scale.py` as Markdown tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from benchmarks.corpora import SEPARATOR
from benchmarks.report import Row, of_question, write_page
from benchmarks.scale_fit import fit, shard_costs

_TITLE: Final = "Measurements behind `infgram plan`"


def write_scale_record(folder: Path, rows: Sequence[Row]) -> None:
    """Write `scale.json` and `scale.md`; the first row describes the machine."""
    parts = [
        _table(
            "Stages, from token ids, nanoseconds of processor time per token",
            _STAGE_HEADS,
            of_question(rows, "stages"),
            _stage,
        ),
        _table("The same with 32 bits per token", _STAGE_HEADS, of_question(rows, "wide"), _stage),
        _table("From text: reading, tokenizing, writing", _TEXT_HEADS, of_question(rows, "text"), _text),
        _table("Predicted from the smaller sizes / measured", _PREDICTED_HEADS, predictions(rows), _predicted),
        _table("One shard, µs", _LATENCY_HEADS, of_question(rows, "latency"), _latency),
        _table(
            "Several shards together, predicted / measured, µs", _FAN_OUT_HEADS, of_question(rows, "fan_out"), _fan_out
        ),
        _table(
            "Calls of Ray actors on this machine, µs",
            ("owners", "p50", "p99", "CPU of the asker"),
            of_question(rows, "calls"),
            _calls,
        ),
    ]
    write_page(folder, "scale", _TITLE, rows, "\n\n".join(part for part in parts if part))


_STAGE_HEADS: Final = (
    *("tokens", "threads", "write", "sort", "verify", "wall: write", "sort", "verify"),
    *("index, bytes per token", "directories", "memory"),
)
_TEXT_HEADS: Final = ("input", "text", "tokens", "bytes per token", "CPU ns per token", "CPU ns per byte", "MB/s")
_PREDICTED_HEADS: Final = (
    "tokens",
    "write CPU s",
    "sort CPU s",
    "verify CPU s",
    "index MB",
    "directories MB",
    "memory MB",
)
_LATENCY_HEADS: Final = ("tokens", "asked", "state", "p50", "p99")
_FAN_OUT_HEADS: Final = ("shards", "asked", "state", "how", "p50", "p99")


def predictions(rows: Sequence[Row]) -> list[Row]:
    """Predict each build from the third size on from the smaller ones, beside what was measured."""
    builds = shard_costs(rows)
    found = []
    for number, build in list(enumerate(builds))[2:]:
        predicted = fit(builds[:number]).predict(build.n_tokens, build.n_documents, build.threads, SEPARATOR, 16)
        found.append({"n_tokens": build.n_tokens, "predicted": asdict(predicted), "measured": asdict(build)})
    return found


def _table(title: str, heads: Sequence[str], rows: Sequence[Row], cells: Any) -> str:
    if not rows:
        return ""
    lines = [f"## {title}", "", _line(heads), _line(["---"] * len(heads)), *(_line(cells(row)) for row in rows)]
    return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _stage(row: Row) -> list[str]:
    n = row["n_tokens"]
    times = [f"{row[f'{stage}{kind}'] / n * 1e9:.1f}" for kind in ("_cpu_s", "_s") for stage in _STAGES]
    sizes = [f"{row[name] / n:.2f}" for name in ("size_bytes", "directory_bytes", "memory_bytes")]
    return [f"{n:,}", str(row["threads"]), *times, *sizes]


_STAGES: Final = ("write", "sort", "verify")


def _text(row: Row) -> list[str]:
    n, text = row["n_tokens"], row["text_bytes"]
    per_token, per_byte = row["write_cpu_s"] / n * 1e9, row["write_cpu_s"] / text * 1e9
    speed = text / row["write_s"] / 1e6
    return [
        row["input"],
        f"{text / 1e6:.1f} MB",
        f"{n:,}",
        f"{text / n:.2f}",
        f"{per_token:.0f}",
        f"{per_byte:.0f}",
        f"{speed:.1f}",
    ]


def _predicted(row: Row) -> list[str]:
    predicted, measured = row["predicted"], row["measured"]
    cells = [f"{row['n_tokens']:,}"]
    for name in ("write_cpu_s", "sort_cpu_s", "verify_cpu_s", "size_bytes", "directory_bytes", "memory_bytes"):
        unit, form = (1e6, ",.0f") if name.endswith("bytes") else (1, ".2f")
        ours, found = predicted[name], measured[name]
        cells.append(f"{format(ours / unit, form)} / {format(found / unit, form)} ({ours / found - 1:+.0%})")
    return cells


def _latency(row: Row) -> list[str]:
    return [f"{row['n_tokens']:,}", row["asked"], row["state"], f"{row['p50']:,.1f}", f"{row['p99']:,.1f}"]


def _fan_out(row: Row) -> list[str]:
    cells = [f"{row['n_shards']} of {row['shard_tokens']:,.0f}", row["asked"], row["state"], row["how"]]
    for name in ("p50", "p99"):
        predicted, measured = row[f"predicted_{name}"], row[f"measured_{name}"]
        cells.append(f"{predicted:,.1f} / {measured:,.1f} ({predicted / measured - 1:+.0%})")
    return cells


def _calls(row: Row) -> list[str]:
    return [str(row["owners"]), *(f"{row[name]:,.0f}" for name in ("p50", "p99", "asker_cpu_us"))]
