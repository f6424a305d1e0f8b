"""From what the library returns to what is answered."""

from __future__ import annotations

from typing import Any

import infgram

from .answers import DistributionAnswer, Found, FoundDocument, Match, Row
from .asking import Encoded, milliseconds_since
from .indexes import ServedIndex
from .settings import Limits


def distribution(
    served: ServedIndex, query: Encoded, found: infgram.NextTokenDistribution, *, suffix_length: int, started: float
) -> DistributionAnswer:
    """A distribution after the last `suffix_length` tokens of the query, measured from `started`."""
    token_ids = found.token_ids.tolist()
    tokens = served.tokens(token_ids) or [None] * len(token_ids)
    rows = zip(token_ids, tokens, found.counts.tolist(), found.log_probs.tolist(), strict=True)
    return DistributionAnswer(
        token_ids=query.ids,
        tokens=query.tokens,
        suffix_length=suffix_length,
        effective_n=suffix_length + 1,
        context_count=found.context_count,
        n_distinct=found.n_distinct,
        is_sparse=found.is_sparse,
        rows=[Row(token_id=i, token=token, count=count, log_prob=log_prob) for i, token, count, log_prob in rows],
        elapsed_ms=milliseconds_since(started),
    )


def found(served: ServedIndex, query: infgram.Cnf, result: infgram.SearchResult, limits: Limits) -> dict[str, Any]:
    """The fields of `Found`."""
    names = (name for name in Found.model_fields if name not in ("documents", "clauses"))
    return {
        **{name: getattr(result, name) for name in names},
        "clauses": [[_term(served, term) for term in terms] for terms in query.clauses],
        "documents": [found_document(hit, limits) for hit in result],
    }


def _term(served: ServedIndex, term: Any) -> str | None:
    """A term as text."""
    if isinstance(term, str):
        return term
    return served.index.tokenizer.decode(term) if served.has_tokenizer else None


def found_document(hit: infgram.SearchHit, limits: Limits) -> FoundDocument:
    """A document found, its text cut to the limit."""
    most = limits.text_characters
    return FoundDocument(
        **_match(hit),
        document_id=hit.document_id,
        metadata=dict(hit.metadata),
        source=hit.source,
        line=hit.line,
        text=hit.text[:most],
        text_truncated=len(hit.text) > most,
        match_count=hit.match_count,
        matches=[Match(**_match(match)) for match in hit.matches],
    )


def _match(match: infgram.SearchMatch) -> dict[str, Any]:
    return {name: getattr(match, name) for name in Match.model_fields}
