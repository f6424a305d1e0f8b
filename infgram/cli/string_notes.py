"""Notes where a text occurs more often as a string than in its own tokens."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from infgram.cli.display import number, quoted
from infgram.cli.output import note
from infgram.cli.questions import has_tokenizer

if TYPE_CHECKING:
    from infgram.index import Index
    from infgram.types import Readings

_MOST_BRANCHES: Final = 5_000
"""Of the token sequences of a text, for a note that costs no noticeable time."""

_MOST_QUERIES: Final = 200
"""Of many queries, those that are looked at."""


def note_on_string(index: Index, text: str, advice: str = "--any-tokenization counts all") -> None:
    """One line if the string occurs more often than its own tokens."""
    found = _readings(index, text)
    if found is None:
        return
    typed, spaced = found.as_typed.count, found.after_space.count if found.after_space else 0
    if found.string_count is not None and found.string_count > typed:
        where = (
            f"{spaced:,} of them after a space" if spaced else f"{found.string_count - typed:,} of them in other tokens"
        )
        note(f"the text occurs {number(found.string_count, 'time')} in all, {where}; {advice}")
    elif found.string_count is None and spaced:
        note(f"with a space in front the text occurs {number(spaced, 'time')} more; {advice}")


def note_on_strings(index: Index, queries: Iterable[str | list[int]]) -> None:
    """One line for all queries that occur more often as strings; of more than 200 texts the first are looked at."""
    texts = [query for query in queries if isinstance(query, str)]
    looked_at = texts[:_MOST_QUERIES]
    n_more = sum(_occurs_more_often(found) for text in looked_at if (found := _readings(index, text)) is not None)
    if n_more:
        first = "" if len(looked_at) == len(texts) else "the first "
        note(
            f"{n_more:,} of {first}{number(len(looked_at), 'query', 'queries')} {'occurs' if n_more == 1 else 'occur'} "
            "more often as strings than in their own tokens; --any-tokenization counts all"
        )


def note_on_missing(index: Index, terms: Iterable[str]) -> None:
    """One line for the first term of a search that found nothing and occurs as a string only."""
    for term in terms:
        if term and index.count(term) == 0:
            note_on_string(index, term, f"--any-tokenization finds {quoted(term, 40)} in whatever tokens")
            return


def note_on_operators(text: str) -> None:
    """One line if a search would take the text for a query."""
    from infgram.query_language import holds_operator

    if holds_operator(text):
        note("AND and OR are words of the text here; infgram search takes them for operators")


def _readings(index: Index, text: str) -> Readings | None:
    if not text or not index.is_local or not has_tokenizer(index):
        return None
    return index.readings(text, other_case=False, max_branches=_MOST_BRANCHES)


def _occurs_more_often(found: Readings) -> bool:
    if found.string_count is None:
        return found.after_space is not None and found.after_space.count > 0
    return found.string_count > found.as_typed.count
