"""`infgram build` in tasks: with an engine, or to a URL."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer

from infgram.cli.display import duration, number, one_line, size
from infgram.cli.output import print_json, print_line, print_table
from infgram.cli.skipped import print_skipped, warn_skipped

if TYPE_CHECKING:
    from infgram.cluster import BuildSummary


def is_by_tasks(output: str | None, engine: str | None) -> bool:
    """Return whether a build runs as tasks: with an engine, or to a URL (then in this process by default)."""
    return engine is not None or (output is not None and "://" in output)


def refuse(options: dict[str, Any]) -> None:
    """Refuse options that builds in tasks do not support.

    Raises:
        typer.BadParameter: an option is set.
    """
    given = [name for name, value in options.items() if value]
    if given:
        raise typer.BadParameter(f"{', '.join(given)} cannot be used with --engine or with a URL as the output")


def build_by_tasks(
    sources: list[str], output: str | None, *, engine: str | None, quiet: bool, as_json: bool, **options: Any
) -> None:
    """Build in tasks with progress on standard error, and print the summary."""
    from infgram.cli.progress import show_progress
    from infgram.cluster import build
    from infgram.indexing.output import default_output

    began = time.monotonic()
    target = output or str(default_output(sources))
    with show_progress(quiet=quiet, as_events=as_json) as report:
        summary = build(sources, target, engine=engine or "local", progress=report, **options)  # type: ignore[arg-type]
    elapsed_s = round(time.monotonic() - began, 3)
    if as_json:
        print_json(_answer(summary, elapsed_s))
    elif quiet:
        warn_skipped([asdict(entry) for entry in summary.skipped], summary.location)
    else:
        _print(summary, elapsed_s)


def _answer(summary: BuildSummary, elapsed_s: float) -> dict[str, Any]:
    content = asdict(summary)
    del content["location"]
    total = {"cpu_hours": summary.cpu_hours, "dollars": summary.dollars}
    return {"path": summary.location, **content, **total, "elapsed_s": elapsed_s}


def _print(summary: BuildSummary, elapsed_s: float) -> None:
    print_line(
        f"{number(summary.n_documents, 'document')}, {number(summary.n_tokens, 'token')}, "
        f"{number(summary.n_shards, 'shard')}, {size(summary.size_bytes)}, {duration(elapsed_s)}"
    )
    if summary.stages:
        rows = [
            (
                stage.stage,
                f"{stage.n_tasks:,}",
                f"{stage.n_kept:,}",
                duration(stage.elapsed_s),
                f"{stage.cpu_hours:.4g}",
                size(stage.bytes_read),
                size(stage.bytes_written),
            )
            for stage in summary.stages
        ]
        print_table(("stage", "tasks", "kept", "time", "CPU hours", "read", "written"), rows, left=("stage",))
        print_line(
            f"{summary.cpu_hours:.4g} CPU hours, {summary.dollars:.4g} dollars at "
            f"{summary.dollars_per_cpu_hour:.4g} an hour"
        )
    print_line(f"index: {one_line(summary.location)}")
    print_skipped([asdict(entry) for entry in summary.skipped], summary.location)
