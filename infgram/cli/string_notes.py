"""Notes for texts that occur more often as a string than as a token sequence."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from infgram.cli.display import number, quoted
from infgram.cli.output import note
from infgram.cli.query_arguments import has_tokenizer

if TYPE_CHECKING:
    from infgram.index import Index
    from infgram.types import Readings

_MAX_BRANCHES: Final = 5_000
"""The limit on token sequences of a text, so that a note takes no noticeable time."""

_MAX_QUERIES: Final = 200
"""The number of queries of a file that are checked for a note."""


def note_on_string(index: Index, text: str, advice: str = "--any-tokenization counts all") -> None:
    """Print a note if the string occurs more often than its token sequence."""
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
    """Print one note if some of the first 200 texts occur more often as strings."""
    texts = [query for query in queries if isinstance(query, str)]
    checked = texts[:_MAX_QUERIES]
    n_more = sum(_occurs_more_often(found) for text in checked if (found := _readings(index, text)) is not None)
    if n_more:
        first = "" if len(checked) == len(texts) else "the first "
        note(
            f"{n_more:,} of {first}{number(len(checked), 'query', 'queries')} {'occurs' if n_more == 1 else 'occur'} "
            "more often as strings than as token sequences; --any-tokenization counts all"
        )


def note_on_missing(index: Index, terms: Iterable[str]) -> None:
    """Print a note for the first term of a search that occurs only as a string."""
    for term in terms:
        if term and index.count(term) == 0:
            note_on_string(index, term, f"--any-tokenization finds {quoted(term, 40)} in any tokenization")
            return


def note_on_operators(text: str) -> None:
    """Print a note if the text has operators of search queries."""
    from infgram.query_language import holds_operator

    if holds_operator(text):
        note("AND and OR are words of the text here; infgram search takes them as operators")


def _readings(index: Index, text: str) -> Readings | None:
    if not text or not index.is_local or not has_tokenizer(index):
        return None
    return index.readings(text, other_case=False, max_branches=_MAX_BRANCHES)


def _occurs_more_often(found: Readings) -> bool:
    if found.string_count is None:
        return found.after_space is not None and found.after_space.count > 0
    return found.string_count > found.as_typed.count
