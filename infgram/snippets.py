"""A document shown at one place: the match in its text, and the text around it."""

from __future__ import annotations

from infgram.tokenizers import Tokenizer
from infgram.types import Document, Int64Array, SearchHit


def hit_at(document: Document, offset: int, length: int, snippet_tokens: int, tokenizer: Tokenizer | None) -> SearchHit:
    """The document with its match of `length` tokens from token `offset` on, and `snippet_tokens` around it.

    Without a tokenizer there is no text, and every place in it is 0.
    """
    token_ids, end = document.token_ids, offset + length
    snippet_begin = max(0, offset - snippet_tokens // 2)
    snippet_ids = token_ids[snippet_begin : end + (snippet_tokens - snippet_tokens // 2)]
    snippet = "" if tokenizer is None else tokenizer.decode(snippet_ids)
    return SearchHit(
        document_id=document.document_id,
        text=document.text,
        metadata=document.metadata,
        offset=offset,
        length=length,
        match_start=characters(tokenizer, token_ids[:offset], document.text),
        match_end=characters(tokenizer, token_ids[:end], document.text),
        snippet=snippet,
        snippet_match_start=characters(tokenizer, snippet_ids[: offset - snippet_begin], snippet),
        snippet_match_end=characters(tokenizer, snippet_ids[: end - snippet_begin], snippet),
    )


def characters(tokenizer: Tokenizer | None, token_ids: Int64Array, text: str) -> int:
    """How many characters of `text` its first tokens make up; a character cut in two by the last one not counted."""
    prefix = "" if tokenizer is None else tokenizer.decode(token_ids)
    while not text.startswith(prefix):
        prefix = prefix[:-1]
    return len(prefix)
