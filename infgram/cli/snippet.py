"""Format a snippet for the terminal, with its match highlighted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infgram.cli.display import lines

if TYPE_CHECKING:
    from rich.text import Text


def snippet_lines(snippet: str, match_start: int, match_end: int) -> list[Text]:
    """Return the lines of the snippet. A bar marks each line as corpus text."""
    from rich.text import Text

    parts = ((snippet[:match_start], ""), (snippet[match_start:match_end], "bold reverse"), (snippet[match_end:], ""))
    shown = [Text.assemble(("  │ ", "dim"))]
    for part, style in parts:
        first, *others = lines(part)
        shown[-1].append(first, style=style)
        shown += [Text.assemble(("  │ ", "dim"), (line, style)) for line in others]
    return shown
