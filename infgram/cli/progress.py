"""Progress on standard error: bars on a terminal, lines in a file or pipe, or JSON objects."""

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
    """Yield a callback for the `progress` argument of the library, and print the library's log as notes."""
    with show_notes(quiet=quiet, as_events=as_events):
        if quiet:
            yield _ignore
        else:
            yield from _reports(as_events)


@contextmanager
def show_notes(*, quiet: bool, as_events: bool = False) -> Iterator[None]:
    """Print the library's log as notes, or as JSON objects, inside the block."""
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
    """Progress as one bar per stage, for a terminal."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._stage: str | None = None
        self._task = TaskID(0)

    def __call__(self, progress: BuildProgress) -> None:
        """Update the bar of the stage. Add one for a new stage."""
        if progress.stage != self._stage:
            self._stage = progress.stage
            self._task = self._bars.add_task(progress.stage, total=None, unit=progress.unit)
        is_known = progress.total > 0 and progress.done > 0  # until then the bar only pulses
        self._bars.update(self._task, completed=progress.done, total=progress.total if is_known else None)

    def finish(self) -> None:
        """Fill the last bar, since the last report may be below its total."""
        for task in self._bars.tasks:
            if task.id == self._task:
                self._bars.update(task.id, completed=task.total or 1, total=task.total or 1)


class Lines:
    """Progress as one line every ten seconds, for a file or pipe."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._stage: str | None = None
        self._stage_began = self._last_line = clock()
        self._done_before = 0

    def __call__(self, progress: BuildProgress) -> None:
        """Print a line if ten seconds have passed since the last one."""
        now = self._clock()
        if progress.stage != self._stage:
            self._stage, self._stage_began, self._done_before = progress.stage, now, progress.done
        if now - self._last_line >= SECONDS_BETWEEN_LINES:
            self._last_line = now
            typer.echo(line_of(progress, now - self._stage_began, self._done_before), err=True)


class Events:
    """Progress as JSON objects, one per line, at the start of each stage and then every second."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._stage: str | None = None
        self._stage_began = self._last_event = clock()
        self._done_before = 0

    def __call__(self, progress: BuildProgress) -> None:
        """Print an event for a new stage, or if a second has passed since the last one."""
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
    """A handler that prints the information log of builds and corpus readers as notes."""

    def __init__(self, *, as_events: bool = False) -> None:
        super().__init__(logging.INFO)
        self._as_events = as_events
        self._loggers = [logging.getLogger(name) for name in ("infgram.indexing", "infgram.corpus")]
        self._levels_before = [logger.level for logger in self._loggers]

    def emit(self, record: logging.LogRecord) -> None:
        """Print one line. `WarningsToStandardError` prints warnings."""
        if record.levelno != logging.INFO:
            return
        if self._as_events:
            typer.echo(json.dumps({"event": "note", "message": record.getMessage()}), err=True)
        else:
            note(record.getMessage())

    def start(self) -> None:
        """Add the handler to the loggers."""
        for logger in self._loggers:
            logger.setLevel(logging.INFO)
            logger.addHandler(self)

    def stop(self) -> None:
        """Remove the handler, and restore the levels of the loggers."""
        for logger, level in zip(self._loggers, self._levels_before, strict=True):
            logger.removeHandler(self)
            logger.setLevel(level)


def line_of(progress: BuildProgress, elapsed_s: float, done_before: int = 0) -> str:
    """Format as `tokenize: 12% of 31.5 MB, 3.2 MB/s, 8.7 s left`. The rate excludes `done_before`."""
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
    """Format a number of bytes, or of another unit."""
    return size(value) if unit == "bytes" else f"{value:,.0f} {unit}"


class _Rate(ProgressColumn):
    """The rate of a stage."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        unit = task.fields["unit"]
        return Text("" if not speed else f"{amount(speed, unit)}/s", style="progress.data.speed")


class _TimeLeft(ProgressColumn):
    """The time left or, for a finished stage, the time taken."""

    def render(self, task: Task) -> Text:
        if task.finished:
            return Text(duration(task.finished_time or 0))
        left = task.time_remaining
        return Text("" if left is None else f"{duration(left)} left", style="progress.remaining")


def _ignore(progress: BuildProgress) -> None:
    """Ignore the report (--quiet)."""
