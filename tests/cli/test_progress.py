"""Progress: bars on a terminal, lines elsewhere."""

from __future__ import annotations

import io
import json
import logging

import pytest
from rich.console import Console
from rich.progress import Progress, TextColumn

from infgram.cli import progress
from infgram.types import BuildProgress


class Clock:
    """A clock that tests set."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_line_every_ten_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    report = progress.Lines(clock)
    for second in range(31):
        clock.now = float(second)
        report(BuildProgress("tokenize", second * 1_000_000, 40_000_000, "bytes"))
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "tokenize: 25% of 40.0 MB, 1.0 MB/s, 30.0 s left",
        "tokenize: 50% of 40.0 MB, 1.0 MB/s, 20.0 s left",
        "tokenize: 75% of 40.0 MB, 1.0 MB/s, 10.0 s left",
    ]


def test_lines_of_unusual_reports() -> None:
    assert progress.line_of(BuildProgress("train", 0, 100, "bytes"), 5) == "train: 0% of 100 B"
    assert progress.line_of(BuildProgress("sort", 50, 0, "tokens"), 5) == "sort: 50 tokens, 10 tokens/s"
    assert progress.line_of(BuildProgress("sort", 50, 50, "tokens"), 5) == "sort: 100% of 50 tokens, 10 tokens/s"
    assert progress.line_of(BuildProgress("sort", 60, 50, "tokens"), 0) == "sort: 120% of 50 tokens"


def test_bars() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    with Progress(TextColumn("{task.description}"), console=console, auto_refresh=False) as bars:
        report = progress.Bars(bars)
        report(BuildProgress("train", 0, 100, "bytes"))
        assert bars.tasks[0].total is None  # an unknown total
        report(BuildProgress("train", 100, 100, "bytes"))
        report(BuildProgress("sort", 10, 100, "tokens"))
        report.finish()
    assert [(task.description, task.completed, task.total) for task in bars.tasks] == [
        ("train", 100, 100),
        ("sort", 100, 100),
    ]


def test_quiet_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.show_progress(quiet=True) as report:
        report(BuildProgress("sort", 1, 2, "tokens"))
    assert capsys.readouterr().err == ""


def test_events_once_a_second(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    report = progress.Events(clock)
    for tenth in range(25):
        clock.now = tenth / 10
        report(BuildProgress("sort", 100 + tenth, 200, "tokens"))
    clock.now += 0.1
    report(BuildProgress("check", 5, 0, "bytes"))
    events = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(event["stage"], event["done"], event["per_second"], event["left_s"]) for event in events] == [
        ("sort", 100, 0.0, None),
        ("sort", 110, 10.0, 9.0),
        ("sort", 120, 10.0, 8.0),
        ("check", 5, 0.0, None),
    ]


def test_the_rate_of_a_resumed_build_excludes_earlier_work() -> None:
    line = progress.line_of(BuildProgress("sort", 60, 100, "tokens"), 5, 50)
    assert line == "sort: 60% of 100 tokens, 2 tokens/s, 20.0 s left"
    assert progress.line_of(BuildProgress("sort", 50, 100, "tokens"), 5, 50) == "sort: 50% of 100 tokens"


def test_notes_are_removed_after_the_build(capsys: pytest.CaptureFixture[str]) -> None:
    logger = logging.getLogger("infgram.indexing")
    with progress.show_progress(quiet=False):
        logger.info("kept")
    logger.info("nobody listens")
    with progress.show_progress(quiet=True):
        logger.info("quiet")
    assert capsys.readouterr().err == "note: kept\n"
