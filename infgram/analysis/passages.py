"""Passages: pieces of documents around matches, read without the rest of the document."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from infgram.index import Index, engine_of
from infgram.snippets import DocumentText
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
        text: the text of the passage, a slice of the document's text; empty without a tokenizer.
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
    spans = [(match.offset, match.offset + match.length) for match in matches]
    text = DocumentText(engine_of(index), document_id, tokenizer)
    part = text.part((begin, end, *(offset for span in spans for offset in span)))
    first = part.characters[begin]
    places = tuple((part.characters[start] - first, part.characters[stop] - first) for start, stop in spans)
    return Passage(token_ids, part.text[first : part.characters[end]], tuple(matches), places)
