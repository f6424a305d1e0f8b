"""The record of `queries.py`: its rows, and a page with tables and a chart of times by corpus size."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.report import Row, write_page

_BAR: Final = 24  # characters of the longest bar of a query


def write_queries_record(folder: Path, machine: Row, rows: Sequence[Row]) -> None:
    """Write `queries.json`, with one row per line, and `queries.md`."""
    sizes = sorted({row["n_tokens"] for row in rows})
    parts = ["One thread, called from Python. Every result was verified before it was timed.\n"]
    parts += [_table(n_tokens, [row for row in rows if row["n_tokens"] == n_tokens]) for n_tokens in sizes]
    if len(sizes) > 1:
        parts.append(_growth(rows))
    write_page(folder, "queries", "Questions", [machine, *rows], "\n".join(parts).rstrip())


def _table(n_tokens: int, rows: Sequence[Row]) -> str:
    lines = [
        f"## {n_tokens:,} tokens\n",
        "| query | infgram p50 / p99 | infini-gram p50 / p99 | ratio |",
        "|---|---|---|---|",
    ]
    for row in rows:
        if "question" not in row:
            lines.append(
                f"| *index* | {row['bytes_per_token']:.2f} bytes per token, "
                f"directory {row['directory_share']:.1%} | | |"
            )
            continue
        theirs = row.get("infini_gram")
        ratio = row.get("ratio") or ({"p50": row["time_ratio"]} if "time_ratio" in row else None)
        name = f"{row['question']} ({row.get('unit', 'µs').replace('us', 'µs')})"
        ratios = " / ".join(f"{ratio[each]}×" for each in ("p50", "p99") if each in ratio) if ratio else ""
        lines.append(f"| {name} | {_times(row['infgram'])} | {_times(theirs) if theirs else ''} | {ratios} |")
    return "\n".join(lines) + "\n"


def _times(of: Row) -> str:
    text = f"{of['p50']:,} / {of['p99']:,}"
    return f"{text}; {of['faults']:g} faults, {of['kilobytes']:g} kB" if "faults" in of else text


def _growth(rows: Sequence[Row]) -> str:
    """Return a chart of our medians by corpus size; the bars of a query share a scale."""
    lines = [
        "## How times grow with the corpus\n",
        "Medians of infgram in µs, by corpus size.\n",
        "```text",
    ]
    questions = list(dict.fromkeys(row["question"] for row in rows if "question" in row))
    for question in questions:
        medians = [(row["n_tokens"], row["infgram"]["p50"]) for row in rows if row.get("question") == question]
        largest = max(median for _, median in medians) or 1
        lines.append(question)
        lines += [
            f"  {n_tokens / 1e6:5.0f} M {median:12,.2f} {'█' * max(1, round(_BAR * median / largest))}"
            for n_tokens, median in medians
        ]
    return "\n".join([*lines, "```", ""])
