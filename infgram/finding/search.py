"""The search: which documents hold a query, how many, and how they are shown."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from infgram.arguments import at_least, checked_seed, choice
from infgram.arguments import text as text_argument
from infgram.engine import Engine
from infgram.finding.interval import share_interval
from infgram.finding.pages import Cursors, order_of, page_of
from infgram.finding.where import checked, fulfilling
from infgram.query_language import Cnf, parse
from infgram.snippets import matches_in
from infgram.tokenizers import Tokenizer
from infgram.types import Document, Int64Array, JsonScalar, Query, Scope, SearchHit, SearchResult
from infgram.watch import Progress, Watch

_ADVICE = "or ask for an estimate with max_matches=… (--max-matches)"


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
class _Found:
    """Documents with occurrences among those examined, ascending.

    Attributes:
        n_matches: how many each holds.
        has_first: whether each one's first is among them (1 or 0).
        n_examined: occurrences of the first clause that were examined; None for all.
    """

    document_ids: Int64Array
    n_matches: Int64Array
    has_first: Int64Array
    n_examined: int | None = None


def find_documents(
    source: Source,
    query: Query | Cnf,
    *,
    limit: int,
    seed: int | None,
    snippet_tokens: int,
    scope: Scope,
    max_distance: int,
    max_matches: int | None,
    where: Mapping[str, JsonScalar] | None,
    cursor: str | None,
    matches_per_document: int,
    timeout_s: float | None,
    progress: Progress | None,
) -> SearchResult:
    """What `Index.search` documents."""
    watch = Watch(timeout_s, progress, advice=_ADVICE)
    clauses = _clauses(source, query)
    distance = _distance(scope, max_distance)
    seed = None if seed is None else checked_seed(seed)
    limit = at_least(limit, 0, "limit")
    snippet_tokens = at_least(snippet_tokens, 0, "snippet_tokens")
    matches_per_document = at_least(matches_per_document, 1, "matches_per_document")
    max_matches = None if max_matches is None else at_least(max_matches, 1, "max_matches")
    filters = {} if where is None else checked(where)
    conjunction = source.core.conjunction(clauses, None if len(clauses) == 1 else distance)
    asked = [[list(map(int, term)) for term in terms] for terms in clauses]
    cursors = Cursors((source.fingerprint, asked, distance, seed, max_matches, sorted(filters.items())))
    after = None if cursor is None else cursors.read(text_argument(cursor, "cursor"))

    counts = conjunction.counts()
    poll = partial(watch.report, "search", total=0, unit="places")
    if max_matches is None or min(counts) <= max_matches:
        found = _Found(*conjunction.documents(poll))
    else:
        found = _Found(*conjunction.sampled_documents(max_matches, seed or 0, poll), n_examined=max_matches)
    found = _filtered(source, found, filters, watch)

    keys = order_of(found.document_ids, seed)
    places, has_more = page_of(keys, after, limit)
    hits: list[SearchHit] = []
    for document_id in found.document_ids[places].tolist():
        watch.report("show", len(hits), len(places), "documents")
        match_count, shown = conjunction.matches(document_id, matches_per_document, poll)
        document = source.document(document_id)
        hits.append(_hit(document, match_count, shown, snippet_tokens, source.tokenizer))
    return SearchResult(
        **_counts(found, counts, source.core.n_documents, is_whole=not filters),
        documents=tuple(hits),
        cursor=cursors.write(int(keys[places[-1]])) if has_more and hits else None,
    )


def _clauses(source: Source, query: Query | Cnf) -> list[list[Any]]:
    """The token ids of each term of each clause; the core checks them."""
    cnf = query if isinstance(query, Cnf) else parse(query) if isinstance(query, str) else Cnf([[query]])
    return [[source.tokens(term) for term in terms] for terms in cnf.clauses]


def _distance(scope: Scope, max_distance: int) -> int | None:
    choice(scope, "scope", ("window", "document"))
    distance = at_least(max_distance, 0, "max_distance")
    return distance if scope == "window" else None


def _filtered(source: Source, found: _Found, filters: dict[str, JsonScalar], watch: Watch) -> _Found:
    """Those of the documents whose metadata fulfil the filters."""
    if not filters:
        return found
    kept = fulfilling(source.core, found.document_ids, filters, watch)
    return _Found(found.document_ids[kept], found.n_matches[kept], found.has_first[kept], found.n_examined)


def _hit(
    document: Document,
    match_count: int,
    shown: list[tuple[int, int, int]],
    snippet_tokens: int,
    tokenizer: Tokenizer | None,
) -> SearchHit:
    matches = matches_in(document, shown, snippet_tokens, tokenizer)
    first = next(match for match in matches if match.clause == 0)
    return SearchHit(
        **vars(first),
        document_id=document.document_id,
        text=document.text,
        metadata=document.metadata,
        match_count=match_count,
        matches=matches,
    )


def _counts(found: _Found, counts: list[int], n_documents: int, *, is_whole: bool) -> dict[str, Any]:
    """The counts of a result, exact or estimated.

    An occurrence of the first clause is one of the query with the probability count / counts[0], and the first one in
    its document with the probability document_count / counts[0]: each document has one first.
    """
    count, n_found = int(found.n_matches.sum()), len(found.document_ids)
    if found.n_examined is None:
        return {"count": count, "document_count": n_found, "is_exact": True}
    n_first = int(found.has_first.sum())
    estimate, interval = _estimate(count, found.n_examined, counts[0], at_least_so_many=count)
    if is_whole and len(counts) == 1:
        estimate, interval = counts[0], (counts[0], counts[0])
    documents, document_interval = _estimate(n_first, found.n_examined, counts[0], at_least_so_many=n_found)
    most = min(n_documents, interval[1])
    return {
        "count": estimate,
        "document_count": min(documents, most),
        "is_exact": False,
        "count_interval": interval,
        "document_count_interval": (document_interval[0], min(document_interval[1], most)),
    }


def _estimate(n_hits: int, n_drawn: int, total: int, *, at_least_so_many: int) -> tuple[int, tuple[int, int]]:
    """How many of `total` are hits, and the bounds; those drawn are known."""
    low, high = share_interval(n_hits, n_drawn)
    most = total - (n_drawn - n_hits)
    bounds = max(at_least_so_many, math.floor(low * total)), min(most, math.ceil(high * total))
    return min(max(round(n_hits * total / n_drawn), at_least_so_many), most), bounds
