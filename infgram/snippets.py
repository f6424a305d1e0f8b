"""A document shown at some places: the matches in its text, and the text around them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from infgram.tokenizers import Tokenizer
from infgram.types import Document, Int64Array, SearchMatch

_REPLACEMENT = "\ufffd"


def matches_in(
    document: Document, places: Sequence[tuple[int, int, int]], snippet_tokens: int, tokenizer: Tokenizer | None
) -> tuple[SearchMatch, ...]:
    """The matches at some places (clause, offset, length) in tokens, each with `snippet_tokens` around it.

    Without a tokenizer there is no text, and every place in it is 0.
    """
    before = snippet_tokens // 2
    bounds = {
        (offset, length): (max(0, offset - before), offset, offset + length, offset + length + snippet_tokens - before)
        for _, offset, length in places
    }
    places_in_tokens = (token for group in bounds.values() for token in group)
    characters = characters_before(places_in_tokens, document.token_ids, document.text, tokenizer)

    def match_at(clause: int, offset: int, length: int) -> SearchMatch:
        start, match_start, match_end, end = (characters[token] for token in bounds[offset, length])
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


def characters_before(
    offsets: Iterable[int], token_ids: Int64Array, text: str, tokenizer: Tokenizer | None
) -> dict[int, int]:
    """How many characters of the tokens' text those before each offset make up; one cut in two is not counted.

    What was decoded once is not decoded again where that is certain to change nothing: a lossless tokenizer gives each
    token its bytes, and a character that came out whole ends a piece. Cost: one decoding of the document then, else
    one for each offset.
    """
    found, begin, start = {}, 0, 0
    for offset in sorted(set(offsets)):
        piece = "" if tokenizer is None else tokenizer.decode(token_ids[begin:offset])
        is_whole = not piece.endswith(_REPLACEMENT)
        while not text.startswith(piece, start):
            piece = piece[:-1]
        found[offset] = start + len(piece)
        if tokenizer is not None and tokenizer.is_lossless and is_whole:
            begin, start = offset, found[offset]
    return found


def first_bytes(characters: str) -> Int64Array:
    """The first byte of each character in the text's bytes, and the end."""
    codes = np.frombuffer(characters.encode("utf-32-le", errors="surrogatepass"), dtype="<u4")
    lengths = 1 + (codes >= 0x80) + (codes >= 0x800) + (codes >= 0x10000)
    lengths[(codes >= 0xDC80) & (codes <= 0xDCFF)] = 1  # a byte that is no UTF-8
    return np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(lengths, dtype=np.int64)))
