"""Passages: pieces of documents around matches, read without the rest of the document."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from infgram.index import Index
from infgram.snippets import characters_before
from infgram.tokenizers import Tokenizer
from infgram.types import Int64Array

_MAX_MERGED_TOKENS: Final = 512  # maximum length in tokens of a passage that is merged from overlapping ones


class Match(NamedTuple):
    """An occurrence of the span with number `span` in a document: `length` tokens, beginning at `offset`."""

    offset: int
    length: int
    span: int


@dataclass(frozen=True)
class Passage:
    """A piece of a document.

    Attributes:
        token_ids: int64.
        text: the text of the passage; empty without a tokenizer.
        matches: the matches inside the passage, ascending.
        places: the range `[start, end)` of each match in the text, in characters.
    """

    token_ids: Int64Array
    text: str
    matches: tuple[Match, ...]
    places: tuple[tuple[int, int], ...]


def passages_of(
    index: Index, tokenizer: Tokenizer | None, document_id: int, matches: Sequence[Match], snippet_tokens: int
) -> list[Passage]:
    """Return the passages of one document that contain its matches, with `snippet_tokens` tokens around each match.

    Overlapping passages are merged, up to 512 tokens.
    """
    before = snippet_tokens // 2
    after = snippet_tokens - before
    groups: list[tuple[int, int, list[Match]]] = []
    for match in sorted(matches):
        begin, end = max(0, match.offset - before), match.offset + match.length + after
        first, last, inside = groups[-1] if groups else (0, -1, [])
        if begin <= last and max(last, end) - first <= _MAX_MERGED_TOKENS:
            groups[-1] = (first, max(last, end), [*inside, match])
        else:
            groups.append((begin, end, [match]))
    return [_passage(index, tokenizer, document_id, *group) for group in groups]


def _passage(
    index: Index, tokenizer: Tokenizer | None, document_id: int, begin: int, end: int, matches: list[Match]
) -> Passage:
    token_ids = index.document_tokens(document_id, begin, end)
    text = "" if tokenizer is None else tokenizer.decode(token_ids)
    spans = [(match.offset - begin, match.offset - begin + match.length) for match in matches]
    characters = characters_before((offset for span in spans for offset in span), token_ids, text, tokenizer)
    places = tuple((characters[start], characters[end]) for start, end in spans)
    return Passage(token_ids, text, tuple(matches), places)
