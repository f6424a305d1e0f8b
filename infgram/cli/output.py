"""Print results to standard output and messages to standard error."""

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

_UNBOUNDED: Final = 100_000  # columns in a file or pipe, where nothing is cut or wrapped


class _StandardOutput(io.FileIO):
    """Standard output, which ends the command with exit code 141 when its reader closes the pipe."""

    def write(self, data: Any, /) -> int:
        """Write bytes.

        Raises:
            SystemExit: the pipe is closed (exit code 141).
        """
        try:
            return super().write(data) or 0
        except BrokenPipeError:
            abandon_standard_output()
            raise SystemExit(exit_codes.PIPE_CLOSED) from None


class _StandardError(io.FileIO):
    """Standard error, which drops what cannot be written and keeps the command running."""

    def write(self, data: Any, /) -> int:
        """Write bytes. On an error, drop them and report success."""
        try:
            return super().write(data) or 0
        except OSError:
            return len(data)


def prepare_streams() -> None:
    """Set up the standard streams for all commands.

    Characters that are not in the encoding of a stream become escapes. A closed pipe of standard output ends the
    command with exit code 141, whichever library writes to it. Messages that cannot be written are dropped.

    Raises:
        OSError: standard output is closed.
    """
    if sys.stdin is None and not _is_open(0):
        os.open(os.devnull, os.O_RDONLY)  # occupies descriptor 0; sys.stdin stays None
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    if sys.stdout is None:
        raise OSError(errno.EBADF, "standard output is closed; send it to a file or to /dev/null")
    sys.stdout, sys.stderr = _prepared(sys.stdout, _StandardOutput), _prepared(sys.stderr, _StandardError)


def _prepared(stream: Any, kind: type[io.FileIO]) -> Any:
    """Return the stream over a file of this kind. Return the streams of tests unchanged."""
    if not isinstance(stream, io.TextIOWrapper):
        return stream
    stream.reconfigure(errors="backslashreplace")
    raw = getattr(stream.buffer, "raw", stream.buffer)  # with PYTHONUNBUFFERED the buffer is the raw file
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
    """Discard buffered output, so that Python does not report the closed pipe again at exit."""
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
    """Print a JSON object on one line, in ASCII, which every locale can encode."""
    sys.stdout.write(json.dumps(answer, ensure_ascii=True, allow_nan=False) + "\n")


def print_line(line: str = "") -> None:
    """Print a line of the result. The caller has made corpus text safe with `display`."""
    sys.stdout.write(f"{line}\n")


def message(kind: str, text: str) -> None:
    """Print one line to standard error: `error`, `warning` or `note`, and the text with unsafe characters escaped."""
    color = {"error": typer.colors.RED, "warning": typer.colors.YELLOW}.get(kind, typer.colors.CYAN)
    label = typer.style(f"{kind}:", fg=color, bold=True)
    typer.echo(f"{label} {one_line(text)}", err=True)


def note(text: str) -> None:
    """Print a note to standard error."""
    message("note", text)


class WarningsToStandardError(logging.Handler):
    """A handler that prints warnings of the library to standard error."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)

    def emit(self, record: logging.LogRecord) -> None:
        """Print one line."""
        message("warning", record.getMessage())


def json_number(value: float) -> float | None:
    """Return the number, or None for −inf and NaN, which JSON does not have."""
    return value if math.isfinite(value) else None


def json_numbers(values: Iterable[float]) -> list[float | None]:
    """Return the numbers, with None for −inf and NaN."""
    return [json_number(value) for value in values]


def console() -> Console:
    """Return a rich console on standard output, without markup and highlighting. It wraps only on a terminal."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else _UNBOUNDED
    return Console(file=sys.stdout, markup=False, emoji=False, highlight=False, width=width, soft_wrap=True)


def print_table(headings: Sequence[str], rows: Iterable[Sequence[str]], *, left: Sequence[str] = ()) -> None:
    """Print a table without borders. The caller has made the cells safe.

    Args:
        headings: the heading of each column.
        rows: the cells of each row.
        left: headings of the columns that are aligned left.
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
    """Print a styled line, wrapped by the terminal."""
    console().print(text)
