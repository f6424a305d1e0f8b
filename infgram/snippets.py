"""Snippets: matches located in the text of a document, with the text around them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from infgram.tokenizers import Tokenizer
from infgram.types import Document, Int64Array, SearchMatch

_REPLACEMENT = "\ufffd"


def matches_in(
    document: Document, places: Sequence[tuple[int, int, int]], snippet_tokens: int, tokenizer: Tokenizer | None
) -> tuple[SearchMatch, ...]:
    """Return the match at each place (clause, offset and length in tokens) with `snippet_tokens` around it.

    Without a tokenizer there is no text: snippets are empty, and all positions in characters are 0.
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
    """Return, for each token offset, the number of characters before it; a character that is split is not counted.

    Cost: with a lossless tokenizer one decoding of the document, in pieces that end at whole characters; otherwise one
    decoding for each offset.
    """
    n_characters, begin, start = {}, 0, 0
    for offset in sorted(set(offsets)):
        piece = "" if tokenizer is None else tokenizer.decode(token_ids[begin:offset])
        is_whole = not piece.endswith(_REPLACEMENT)
        while not text.startswith(piece, start):
            piece = piece[:-1]
        n_characters[offset] = start + len(piece)
        if tokenizer is not None and tokenizer.is_lossless and is_whole:
            begin, start = offset, n_characters[offset]
    return n_characters


def first_bytes(characters: str) -> Int64Array:
    """Return the byte offset of each character of a text, and the length in bytes."""
    codes = np.frombuffer(characters.encode("utf-32-le", errors="surrogatepass"), dtype="<u4")
    lengths = 1 + (codes >= 0x80) + (codes >= 0x800) + (codes >= 0x10000)
    lengths[(codes >= 0xDC80) & (codes <= 0xDCFF)] = 1  # an invalid byte
    return np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(lengths, dtype=np.int64)))
