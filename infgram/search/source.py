"""What is searched, what was found, and how it is shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from infgram.engine import Engine
from infgram.tokenizers import Tokenizer
from infgram.types import Document, Int64Array, Query, SearchHit, SearchMatch


class Shown(NamedTuple):
    """How much is shown of a document: its first matches, and tokens around each."""

    n_matches: int
    n_tokens_around: int


@dataclass(frozen=True)
class Source:
    """What is searched.

    Attributes:
        core: the open index.
        tokens: a term's token ids.
        document: a document by its number.
        tokenizer: None if the index holds none.
        fingerprint: equal for equal indexes.
    """

    core: Engine
    tokens: Callable[[Query], Any]
    document: Callable[[int], Document]
    tokenizer: Tokenizer | None
    fingerprint: str


@dataclass(frozen=True)
class Found:
    """Documents with occurrences among those examined, ascending.

    Attributes:
        n_matches: how many each holds.
        has_first: whether each one's first is among them (1 or 0).
        n_examined: occurrences of the first clause that were examined; None for all.
        clause_counts: occurrences of each clause; only if some were examined.
    """

    document_ids: Int64Array
    n_matches: Int64Array
    has_first: Int64Array
    n_examined: int | None = None
    clause_counts: tuple[int, ...] = ()


def hit_of(document: Document, match_count: int, matches: Sequence[SearchMatch]) -> SearchHit:
    """A document with its matches, shown at the first one of the first clause."""
    first = next(match for match in matches if match.clause == 0)
    return SearchHit(
        **vars(first),
        document_id=document.document_id,
        text=document.text,
        metadata=document.metadata,
        source=document.source,
        line=document.line,
        match_count=match_count,
        matches=tuple(matches),
    )
