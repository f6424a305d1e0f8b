"""Print the input that a build skipped."""

from __future__ import annotations

from typing import Any, Final

from infgram.cli.display import number, one_line
from infgram.cli.output import message, print_line

_SHOWN: Final = 5


def print_skipped(skipped: list[dict[str, Any]], path: str) -> None:
    """Print the first pieces of skipped input, and the file that lists all."""
    if not skipped:
        return
    print_line(f"skipped {number(len(skipped), 'piece')} of input that cannot be read:")
    for entry in skipped[:_SHOWN]:
        line = "" if entry["line"] is None else f", line {entry['line']}"
        print_line(f"  {one_line(entry['source'])}{line}: {one_line(entry['reason'])}")
    n_more = len(skipped) - _SHOWN
    if n_more > 0:
        print_line(f"  … and {n_more:,} more, listed in {one_line(path)}/manifest.json")


def warn_skipped(skipped: list[dict[str, Any]], path: str) -> None:
    """Print a warning with the number of pieces to standard error."""
    if skipped:
        pieces = number(len(skipped), "piece")
        message("warning", f"skipped {pieces} of input that cannot be read, listed in {path}/manifest.json")
