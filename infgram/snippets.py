"""A document shown at some places: the matches in its text, and the text around them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from infgram.tokenizers import Tokenizer
from infgram.types import Document, Int64Array, SearchMatch


def matches_in(
    document: Document, places: Iterable[tuple[int, int, int]], snippet_tokens: int, tokenizer: Tokenizer | None
) -> tuple[SearchMatch, ...]:
    """The matches at some places (clause, offset, length) in tokens, each with `snippet_tokens` around it.

    Without a tokenizer there is no text, and every place in it is 0.
    """

    @cache
    def character(token: int) -> int:
        return characters(tokenizer, document.token_ids[: max(0, token)], document.text)

    def match_at(clause: int, offset: int, length: int) -> SearchMatch:
        start, match_start, match_end, end = map(
            character,
            (
                offset - snippet_tokens // 2,
                offset,
                offset + length,
                offset + length + (snippet_tokens - snippet_tokens // 2),
            ),
        )
        return SearchMatch(
            clause=clause,
            offset=offset,
            length=length,
            match_start=match_start,
            match_end=match_end,
            snippet=document.text[start:end],
            snippet_match_start=match_start - start,
            snippet_match_end=match_end - start,
        )

    return tuple(match_at(*place) for place in places)


def characters(tokenizer: Tokenizer | None, token_ids: Int64Array, text: str) -> int:
    """How many characters of `text` its first tokens make up; a character cut in two by the last one not counted."""
    prefix = "" if tokenizer is None else tokenizer.decode(token_ids)
    while not text.startswith(prefix):
        prefix = prefix[:-1]
    return len(prefix)
