"""What a build has left out, for people."""

from __future__ import annotations

from typing import Any, Final

from infgram.cli.display import number, one_line
from infgram.cli.output import message, print_line

_SHOWN: Final = 5


def print_skipped(skipped: list[dict[str, Any]], path: str) -> None:
    """The first pieces of input that could not be read, and where all of them are listed."""
    if not skipped:
        return
    print_line(f"left out, because it cannot be read: {number(len(skipped), 'piece')} of input")
    for entry in skipped[:_SHOWN]:
        line = "" if entry["line"] is None else f", line {entry['line']}"
        print_line(f"  {one_line(entry['source'])}{line}: {one_line(entry['reason'])}")
    n_more = len(skipped) - _SHOWN
    if n_more > 0:
        print_line(f"  … and {n_more:,} more, listed in {one_line(path)}/manifest.json")


def warn_skipped(skipped: list[dict[str, Any]], path: str) -> None:
    """The same in one line on standard error."""
    if skipped:
        pieces = number(len(skipped), "piece")
        message("warning", f"left out {pieces} of input that cannot be read; listed in {path}/manifest.json")
