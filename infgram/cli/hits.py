"""The snippets of a search result, with the matches highlighted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from infgram.cli.snippet import snippet_lines

if TYPE_CHECKING:
    from rich.text import Text

    from infgram.types import SearchHit, SearchMatch


def snippets_of(hit: SearchHit) -> Iterator[Text]:
    """Yield the lines of the first match's snippet, and of snippets for the clauses that it does not show."""
    for match in _matches_to_show(hit):
        start = match.match_start - match.snippet_match_start
        visible = [other for other in hit.matches if _is_in_snippet(other, match)]
        marks = [(other.match_start - start, other.match_end - start) for other in visible]
        yield from snippet_lines(match.snippet, marks)


def _matches_to_show(hit: SearchHit) -> list[SearchMatch]:
    """Return the first match, and the first match of each clause that no snippet shows yet."""
    chosen: list[SearchMatch] = [hit]
    for match in hit.matches:
        is_new = all(match.clause != other.clause for other in chosen)
        if is_new and not any(_is_in_snippet(match, other) for other in chosen):
            chosen.append(match)
    return chosen


def _is_in_snippet(match: SearchMatch, other: SearchMatch) -> bool:
    """Return whether the snippet of `other` contains the match."""
    start = other.match_start - other.snippet_match_start
    return start <= match.match_start and match.match_end <= start + len(other.snippet)
