"""Where output goes: answers to standard output, messages to standard error."""

from __future__ import annotations

import contextlib
import errno
import io
import json
import logging
import math
import os
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

import typer

from infgram.cli import exit_codes
from infgram.cli.display import one_line

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

_UNBOUNDED: Final = 100_000  # columns, where no terminal sets a width: nothing is cut or wrapped in a file or pipe


class _Answers(io.FileIO):
    """Standard output. When its reader goes away the command ends, with an exit code of its own, wherever it is."""

    def write(self, data: Any, /) -> int:
        """Write bytes.

        Raises:
            SystemExit: nobody reads them; exit code 141.
        """
        try:
            return super().write(data) or 0
        except BrokenPipeError:
            abandon_standard_output()
            raise SystemExit(exit_codes.PIPE_CLOSED) from None


class _Messages(io.FileIO):
    """Standard error. What cannot be written there is dropped; the work goes on and ends with its exit code."""

    def write(self, data: Any, /) -> int:
        """Write bytes, or pretend to."""
        try:
            return super().write(data) or 0
        except OSError:
            return len(data)


def prepare_streams() -> None:
    """Make standard output and error behave alike in every command.

    Characters that the streams' encoding lacks become escapes instead of an error. A reader that has gone away ends
    the command with exit code 141, whichever library is writing; messages that nobody reads are dropped.

    Raises:
        OSError: standard output is closed.
    """
    if sys.stdin is None and not _is_open(0):
        os.open(os.devnull, os.O_RDONLY)  # takes its number, which the next file would have; stays None, to be told
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    if sys.stdout is None:
        raise OSError(errno.EBADF, "standard output is closed; send it to a file or to /dev/null")
    sys.stdout, sys.stderr = _prepared(sys.stdout, _Answers), _prepared(sys.stderr, _Messages)


def _prepared(stream: Any, kind: type[io.FileIO]) -> Any:
    """The same stream over a file of that kind, if it is one of the process and not of a test."""
    if not isinstance(stream, io.TextIOWrapper):
        return stream
    stream.reconfigure(errors="backslashreplace")
    raw = getattr(stream.buffer, "raw", stream.buffer)  # without PYTHONUNBUFFERED, and with it
    if type(raw) is not io.FileIO:
        return stream
    file = kind(stream.fileno(), "wb", closefd=False)
    return io.TextIOWrapper(
        file if raw is stream.buffer else io.BufferedWriter(file),
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )


def abandon_standard_output() -> None:
    """Discard what is still to be written: nobody reads it, and Python would complain once more at exit."""
    closed_or_no_file = (AttributeError, io.UnsupportedOperation)
    with contextlib.suppress(*closed_or_no_file), open(os.devnull, "w") as devnull:
        os.dup2(devnull.fileno(), sys.stdout.fileno())


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def print_json(answer: dict[str, Any]) -> None:
    """One JSON object on one line of standard output, in ASCII, so that it is valid under every locale."""
    sys.stdout.write(json.dumps(answer, ensure_ascii=True, allow_nan=False) + "\n")


def print_line(line: str = "") -> None:
    """A line of the answer; what stems from a corpus was made safe by the caller (`display`)."""
    sys.stdout.write(f"{line}\n")


def message(kind: str, text: str) -> None:
    """One line on standard error: `error`, `warning` or `note`, and the text with everything unsafe escaped."""
    colour = {"error": typer.colors.RED, "warning": typer.colors.YELLOW}.get(kind, typer.colors.CYAN)
    label = typer.style(f"{kind}:", fg=colour, bold=True)
    typer.echo(f"{label} {one_line(text)}", err=True)


def note(text: str) -> None:
    """A hint on standard error."""
    message("note", text)


class WarningsToStandardError(logging.Handler):
    """The library's log, from warnings on, as lines on standard error."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        message("warning", record.getMessage())


def json_number(value: float) -> float | None:
    """A number as JSON can hold it: None for −inf and NaN."""
    return value if math.isfinite(value) else None


def json_numbers(values: Iterable[float]) -> list[float | None]:
    """Numbers as JSON can hold them."""
    return [json_number(value) for value in values]


def console() -> Console:
    """Standard output through rich: no markup, no guessed colours, no wrapping where no terminal is."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else _UNBOUNDED
    return Console(file=sys.stdout, markup=False, emoji=False, highlight=False, width=width, soft_wrap=True)


def print_table(headings: Sequence[str], rows: Iterable[Sequence[str]], *, left: Sequence[str] = ()) -> None:
    """A table in plain columns, numbers to the right; the cells were made safe by the caller.

    Args:
        headings: one a column.
        rows: one cell a column.
        left: headings of the columns that hold words.
    """
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for heading in headings:
        table.add_column(Text(heading), justify="left" if heading in left else "right", no_wrap=heading not in left)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console().print(table)


def print_text(text: Text) -> None:
    """A styled line; the terminal wraps it."""
    console().print(text)
