"""How far a long command is: bars on a terminal, now and then a line elsewhere; always on standard error."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeAlias

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TaskProgressColumn, TextColumn
from rich.text import Text

from infgram.cli.display import duration, size
from infgram.cli.output import note
from infgram.types import BuildProgress

Report: TypeAlias = Callable[[BuildProgress], None]

SECONDS_BETWEEN_LINES: Final = 10.0
SECONDS_BETWEEN_EVENTS: Final = 1.0


@contextmanager
def show_progress(*, quiet: bool, as_events: bool = False) -> Iterator[Report]:
    """What to hand to the library as `progress`; what it tells the user meanwhile becomes notes."""
    with show_notes(quiet=quiet, as_events=as_events):
        if quiet:
            yield _ignore
        else:
            yield from _reports(as_events)


@contextmanager
def show_notes(*, quiet: bool, as_events: bool = False) -> Iterator[None]:
    """What the library tells the user in the block becomes notes, or objects whose event is a note."""
    if quiet:
        yield
        return
    notes = NotesToStandardError(as_events=as_events)
    notes.start()
    try:
        yield
    finally:
        notes.stop()


def _reports(as_events: bool) -> Iterator[Report]:
    if as_events:
        yield Events(time.monotonic)
    elif sys.stderr.isatty():
        columns = (TextColumn("{task.description:<9}"), BarColumn(), TaskProgressColumn(), _Rate(), _TimeLeft())
        console = Console(file=sys.stderr, markup=False, highlight=False)
        with Progress(*columns, console=console) as bars:
            report = Bars(bars)
            yield report
            report.finish()
    else:
        yield Lines(time.monotonic)


class Bars:
    """A bar for each stage, on a terminal."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._stage: str | None = None
        self._task = TaskID(0)

    def __call__(self, progress: BuildProgress) -> None:
        """Move the bar of the stage; a new stage starts a new one."""
        if progress.stage != self._stage:
            self._stage = progress.stage
            self._task = self._bars.add_task(progress.stage, total=None, unit=progress.unit)
        known = progress.total > 0 and progress.done > 0  # until the first report, the bar only shows life
        self._bars.update(self._task, completed=progress.done, total=progress.total if known else None)

    def finish(self) -> None:
        """Fill the last bar: all is done, whatever the last report said."""
        for task in self._bars.tasks:
            if task.id == self._task:
                self._bars.update(task.id, completed=task.total or 1, total=task.total or 1)


class Lines:
    """A line every ten seconds, in a file or a pipe."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._stage: str | None = None
        self._stage_began = self._last_line = clock()
        self._done_before = 0

    def __call__(self, progress: BuildProgress) -> None:
        """Write a line if the last one is old enough."""
        now = self._clock()
        if progress.stage != self._stage:
            self._stage, self._stage_began, self._done_before = progress.stage, now, progress.done
        if now - self._last_line >= SECONDS_BETWEEN_LINES:
            self._last_line = now
            typer.echo(line_of(progress, now - self._stage_began, self._done_before), err=True)


class Events:
    """A JSON object on a line of its own for each stage when it begins, and then once a second."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._stage: str | None = None
        self._stage_began = self._last_event = clock()
        self._done_before = 0

    def __call__(self, progress: BuildProgress) -> None:
        """Write an event if the last one is old enough."""
        now = self._clock()
        begins = progress.stage != self._stage
        if begins:
            self._stage, self._stage_began, self._done_before = progress.stage, now, progress.done
        if not begins and now - self._last_event < SECONDS_BETWEEN_EVENTS:
            return
        self._last_event = now
        elapsed_s = now - self._stage_began
        rate = (progress.done - self._done_before) / elapsed_s if elapsed_s > 0 else 0.0
        event = {
            "event": "progress",
            **progress._asdict(),
            "per_second": round(rate, 1),
            "left_s": round(max(0, progress.total - progress.done) / rate, 1) if rate > 0 and progress.total else None,
        }
        typer.echo(json.dumps(event), err=True)


class NotesToStandardError(logging.Handler):
    """What a build, or the reading of a corpus, tells its user besides warnings, as notes on standard error."""

    def __init__(self, *, as_events: bool = False) -> None:
        super().__init__(logging.INFO)
        self._as_events = as_events
        self._loggers = [logging.getLogger(name) for name in ("infgram.indexing", "infgram.corpus")]
        self._levels_before = [logger.level for logger in self._loggers]

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line; warnings are written elsewhere."""
        if record.levelno != logging.INFO:
            return
        if self._as_events:
            typer.echo(json.dumps({"event": "note", "message": record.getMessage()}), err=True)
        else:
            note(record.getMessage())

    def start(self) -> None:
        """Listen."""
        for logger in self._loggers:
            logger.setLevel(logging.INFO)
            logger.addHandler(self)

    def stop(self) -> None:
        """Stop listening."""
        for logger, level in zip(self._loggers, self._levels_before, strict=True):
            logger.removeHandler(self)
            logger.setLevel(level)


def line_of(progress: BuildProgress, elapsed_s: float, done_before: int = 0) -> str:
    """`tokenize: 12% of 31.5 MB, 3.2 MB/s, 8.7 s left`; what was done before does not count for the rate."""
    share = amount(progress.done, progress.unit)
    if progress.total:
        share = f"{progress.done / progress.total:.0%} of {amount(progress.total, progress.unit)}"
    if progress.done <= done_before or elapsed_s <= 0:
        return f"{progress.stage}: {share}"
    rate = (progress.done - done_before) / elapsed_s
    units_left = progress.total - progress.done
    left = f", {duration(units_left / rate)} left" if units_left > 0 else ""
    return f"{progress.stage}: {share}, {amount(rate, progress.unit)}/s{left}"


def amount(value: float, unit: str) -> str:
    """A number of bytes or of tokens."""
    return size(value) if unit == "bytes" else f"{value:,.0f} {unit}"


class _Rate(ProgressColumn):
    """Units a second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        unit = task.fields["unit"]
        return Text("" if not speed else f"{amount(speed, unit)}/s", style="progress.data.speed")


class _TimeLeft(ProgressColumn):
    """Time left; of a finished stage, the time it took."""

    def render(self, task: Task) -> Text:
        if task.finished:
            return Text(duration(task.finished_time or 0))
        left = task.time_remaining
        return Text("" if left is None else f"{duration(left)} left", style="progress.remaining")


def _ignore(progress: BuildProgress) -> None:
    """Nobody wants to know."""
