"""Format a snippet for the terminal, with its matches highlighted."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import TYPE_CHECKING

from infgram.cli.display import lines

if TYPE_CHECKING:
    from rich.text import Text


def snippet_lines(snippet: str, matches: Iterable[tuple[int, int]]) -> list[Text]:
    """Return the lines of a snippet, its matches `[start, end)` highlighted. A bar marks each line as corpus text."""
    from rich.text import Text

    marked = {place for start, end in matches for place in range(start, end)}
    shown = [Text.assemble(("  │ ", "dim"))]
    for is_marked, places in groupby(range(len(snippet)), key=marked.__contains__):
        part = "".join(snippet[place] for place in places)
        style = "bold reverse" if is_marked else ""
        first, *others = lines(part)
        shown[-1].append(first, style=style)
        shown += [Text.assemble(("  │ ", "dim"), (line, style)) for line in others]
    return shown
