"""Documents as the public API shows them: a window of tokens around a location, split at the matches."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final, TypeAlias

import numpy as np

import infgram

from .dialect import Dialect
from .requests import Cnf

Span: TypeAlias = tuple[list[int], str | None]
"""Tokens, and the number of the clause that they match, if any."""

_ID_BYTES: Final = 8


def shown(
    index: infgram.Index, dialect: Dialect, place: infgram.Location, max_tokens: int, clauses: Cnf
) -> dict[str, Any]:
    """Return the document at a location, half of `max_tokens` before the match and half from its first token on.

    The offset −1 is the separator before a document.
    """
    metadata = index.document_metadata(place.document_id)
    begin = max(0, place.offset - max_tokens // 2)
    end = max(0, place.offset + (max_tokens + 1) // 2)
    token_ids = index.document_tokens(place.document_id, begin, end).tolist()
    return {
        "doc_ix": place.document_id,
        "doc_len": index.document_length(place.document_id),
        "disp_len": len(token_ids),
        "needle_offset": max(0, place.offset - begin),
        "metadata": json.dumps(metadata, ensure_ascii=False) + "\n" if metadata else "",
        "token_ids": token_ids,
        "blocked": False,
        "spans": [(dialect.decode(tokens), label) for tokens, label in spans(token_ids, clauses)],
    }


def spans(token_ids: list[int], clauses: Cnf) -> list[Span]:
    """Split the tokens at the matches of each clause, term by term."""
    cut: list[Span] = [(token_ids, None)]
    for label, clause in enumerate(clauses):
        for term in filter(None, clause):
            cut = [piece for span in cut for piece in _cut(span, term, str(label))]
    return cut


def _cut(span: Span, term: Sequence[int], label: str) -> list[Span]:
    token_ids, matched = span
    if matched is not None:
        return [span]
    text, wanted = (np.asarray(ids, dtype=np.int64).tobytes() for ids in (token_ids, term))
    pieces: list[Span] = []
    begin = at = 0
    while (at := text.find(wanted, at)) >= 0:
        if at % _ID_BYTES:
            at += 1
            continue
        start = at // _ID_BYTES
        pieces += [(token_ids[begin:start], None), (token_ids[start : start + len(term)], label)]
        begin = start + len(term)
        at = begin * _ID_BYTES
    return [piece for piece in (*pieces, (token_ids[begin:], None)) if piece[0]]
