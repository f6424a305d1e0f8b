"""A document shown at one place: the match in its text, and the text around it."""

from __future__ import annotations

from infgram.tokenizers import Tokenizer
from infgram.types import Document, Int64Array, SearchHit


def hit_at(document: Document, offset: int, length: int, snippet_tokens: int, tokenizer: Tokenizer | None) -> SearchHit:
    """The document with its match of `length` tokens from token `offset` on, and `snippet_tokens` around it.

    Without a tokenizer there is no text, and every place in it is 0.
    """
    token_ids, text = document.token_ids, document.text
    begin, end = offset - snippet_tokens // 2, offset + length + (snippet_tokens - snippet_tokens // 2)
    snippet_start = characters(tokenizer, token_ids[: max(0, begin)], text)
    match_start = characters(tokenizer, token_ids[:offset], text)
    match_end = characters(tokenizer, token_ids[: offset + length], text)
    return SearchHit(
        document_id=document.document_id,
        text=text,
        metadata=document.metadata,
        offset=offset,
        length=length,
        match_start=match_start,
        match_end=match_end,
        snippet=text[snippet_start : characters(tokenizer, token_ids[:end], text)],
        snippet_match_start=match_start - snippet_start,
        snippet_match_end=match_end - snippet_start,
    )


def characters(tokenizer: Tokenizer | None, token_ids: Int64Array, text: str) -> int:
    """How many characters of `text` its first tokens make up; a character cut in two by the last one not counted."""
    prefix = "" if tokenizer is None else tokenizer.decode(token_ids)
    while not text.startswith(prefix):
        prefix = prefix[:-1]
    return len(prefix)
