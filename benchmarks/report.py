"""The rows of a benchmark as text, and as the files of a record."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Row = dict[str, Any]


def of_question(rows: Sequence[Row], question: str) -> list[Row]:
    """Return the rows of one question."""
    return [row for row in rows if row["question"] == question]


def in_words(row: Row) -> str:
    """Return one or several lines of text for a row."""
    return _WORDS[row["question"]](row)


def write_record(folder: Path, name: str, title: str, rows: Sequence[Row]) -> None:
    """Write a record whose page has the rows as text; the first row is the machine."""
    words = "\n".join(f"- {line.strip()}" for row in rows[1:] for line in in_words(row).splitlines())
    write_page(folder, name, title, rows, words)


def write_page(folder: Path, name: str, title: str, rows: Sequence[Row], text: str) -> None:
    """Write `NAME.json` (one row per line) and `NAME.md` (title, machine, which is the first row, and text)."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    about = ", ".join(f"{name} {value}" for name, value in rows[0].items() if name != "question")
    (folder / f"{name}.md").write_text(f"# {title}\n\n{about}.\n\n{text}\n")


def _sort(row: Row) -> str:
    ours, theirs, ratios = row["ours"], row["theirs"], row["theirs_over_ours"]
    lines = [
        f"suffix sorting, {ours['n_tokens']:,} tokens, threads: {row['threads']}: {_per_token(ours)} "
        f"(spread {ours['spread_ns']:.1f} ns)"
    ]
    if theirs:
        lines.append(f"  infini-gram's sorting steps on the same tokens: {_per_token(theirs)}")
        lines.append(
            f"  infini-gram relative to infgram: time {ratios['ns_per_token']:.1f}x, "
            f"memory {ratios['memory_per_token']:.1f}x, index {ratios['disk_per_token']:.2f}x; counts equal"
        )
    return "\n".join(lines)


def _per_token(of: Row) -> str:
    return (
        f"{of['ns_per_token']:.1f} ns per token; bytes per token: memory {of['memory_per_token']:.1f}, "
        f"index {of['disk_per_token']:.2f}, peak disk {of['disk_peak_per_token']:.2f}"
    )


def _hard(row: Row) -> str:
    return (
        f"{row['input']}, {row['n_tokens']:,} tokens: {row['ns_per_token']:.1f} ns per token, "
        f"{row['times_ordinary']:.2f}x ordinary text; verified"
    )


def _text(row: Row) -> str:
    ours, theirs = row["ours"], row["theirs"]
    lines = [
        f"text to index, {row['text_bytes'] / 1e6:.1f} MB from .jsonl.zst, threads: {row['threads']}: "
        f"{ours['mb_per_s']:.1f} MB/s ({ours['elapsed_s']:.2f} s, including {ours['sort_s']:.2f} s of sorting)"
    ]
    if theirs:
        lines.append(
            f"  infini-gram: {theirs['mb_per_s']:.2f} MB/s, from tokenizing {theirs['tokenised_bytes'] / 1e6:.1f} MB "
            f"of this text at {theirs['tokenise_mb_per_s']:.2f} MB/s after loading for {theirs['load_s']:.1f} s, and "
            f"sorting all of it in {theirs['sort_s']:.1f} s"
        )
        lines.append(
            f"  infgram relative to infini-gram: {ours['mb_per_s'] / theirs['mb_per_s']:.1f}x; token ids equal"
        )
    return "\n".join(lines)


def _memory(row: Row) -> str:
    return (
        f"memory={row['budget_bytes'] >> 20}MiB, {row['n_tokens']:,} tokens: {row['memory_bytes'] >> 20} MiB at the "
        f"peak, {row['times_budget']:.2f}x the budget; {row['times_ample']:.2f}x the time without a limit; the same "
        "files"
    )


def _copies(row: Row) -> str:
    return (
        f"{row['asked']}, {row['input']}, {row['n_tokens']:,} tokens: {row['us_per_token']:.2f} us per token, "
        f"{row['times_ordinary']:.2f}x ordinary text; results verified"
    )


def _readings(row: Row) -> str:
    return (
        f"readings {row['asked']}, {row['n_strings']:,} strings, {row['n_tokens']:,} tokens: "
        f"median {row['p50_ms']} ms, 95% within {row['p95_ms']} ms, 99% within {row['p99_ms']} ms, "
        f"{row['share_within_5_ms']:.1%} within 5 ms; {row['share_exact']:.1%} exact; answers checked"
    )


def _load(row: Row) -> str:
    return (
        f"{row['asked']}, clients: {row['clients']}: {row['requests_per_s']:,} requests/s, median {row['p50_ms']} ms, "
        f"99% within {row['p99_ms']} ms{_wanted(row)}"
    )


def _patterns(row: Row) -> str:
    return f"{row['asked']}: {row['patterns_per_s']:,} patterns/s{_wanted(row)}"


def _calls(row: Row) -> str:
    return f"{row['n']:,} counts, one per request, at that rate: {row['hours']} hours{_wanted(row)}"


def _served_ratio(row: Row) -> str:
    return f"requests/s, infgram relative to infini-gram behind Flask, {row['asked']}: {row['ratio']}x{_wanted(row)}"


def _soak(row: Row) -> str:
    answers = "; ".join(f"{what}: {n:,}" for what, n in row["answers"].items())
    return (
        f"{row['minutes']} minutes of mixed load: no wrong response, no 5xx except 503; memory "
        f"{row['memory_early_bytes'] / 1e6:.0f} MB, at the end {row['memory_late_bytes'] / 1e6:.0f} MB "
        f"({row['memory_growth']:+.1%}){_wanted(row)} ({answers})"
    )


def _wanted(row: Row) -> str:
    return f" (goal: {row['wanted']})" if "wanted" in row else ""


def _fan_out(row: Row) -> str:
    return (
        f"{row['what']}, {row['shards']} shards, {row['owners']} owners: median {row['p50_ms']:.2f} ms, 99% within "
        f"{row['p99_ms']:.2f} ms; direct {row['direct_p50_ms']:.3f} ms; median overhead over a direct query "
        f"{row['overhead_p50_ms']:.2f} ms (goal: under {row['wanted_ms']:g} ms)"
    )


def _fan_out_batch(row: Row) -> str:
    return f"counts of {row['patterns']:,} patterns at once, {row['owners']} owners: {row['p50_ms']:.2f} ms"


def _changes(row: Row) -> str:
    return (
        f"{row['n_tokens']:,} tokens in {row['n_segments']} segments, {row['n_deleted_documents']:,} documents of "
        f"{row['n_deleted_tokens']:,} tokens deleted: adding {row['n_segments'] - 1} segments {row['add_s']:.1f} s, "
        f"deleting {row['delete_s']:.2f} s, compacting {row['compact_s']:.1f} s"
    )


def _segments(row: Row) -> str:
    return (
        f"{row['query']}: {row['changed_us']:.2f} µs, compacted {row['compacted_us']:.2f} µs: {row['ratio']:.2f}x "
        f"({min(row['ratios']):.2f} to {max(row['ratios']):.2f})"
    )


_WORDS = {
    "changes": _changes,
    "segments": _segments,
    "sort": _sort,
    "hard": _hard,
    "text": _text,
    "memory": _memory,
    "copies": _copies,
    "readings": _readings,
    "load": _load,
    "patterns": _patterns,
    "calls": _calls,
    "ratio": _served_ratio,
    "soak": _soak,
    "fan_out": _fan_out,
    "fan_out_batch": _fan_out_batch,
}
