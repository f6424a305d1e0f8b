"""Search documents: find, filter, count or estimate, and paginate."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final, Protocol

from infgram.arguments import at_least, checked_seed, choice, text as text_argument
from infgram.errors import QueryError
from infgram.query_language import Cnf
from infgram.search.interval import share_interval
from infgram.search.metadata import checked, matching
from infgram.search.pages import Cursors, order_of, page_of
from infgram.search.source import MatchedDocuments, SnippetOptions, Source, hit_of
from infgram.search.text import InCharacters, StringMatcher
from infgram.snippets import matches_in
from infgram.types import JsonScalar, Query, Scope, SearchHit, SearchResult
from infgram.watch import Progress, Watch

_ADVICE: Final = "or estimate the counts with max_matches=… (--max-matches)"
_ADVICE_FOR_TEXT: Final = "or search for a longer text"


class Occurrences(Protocol):
    """The occurrences of a query: in tokens (`_InTokens`), or in characters (`infgram.search.text`)."""

    @property
    def identity(self) -> tuple[Any, ...]:
        """A value that is equal for equal queries only."""

    def documents(self, watch: Watch) -> MatchedDocuments:
        """Return the documents with an occurrence."""

    def hit(self, document_id: int, match_count: int, watch: Watch) -> SearchHit:
        """Return the hit of a document with its first matches; `match_count` is its count in `documents`."""


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
    text_characters: int | None,
    timeout_s: float | None,
    progress: Progress | None,
    matcher: StringMatcher | None = None,
) -> SearchResult:
    """Implement `Index.search`; with a `matcher`, terms are found by their characters in any tokenization."""
    watch = Watch(timeout_s, progress, advice=_ADVICE if matcher is None else _ADVICE_FOR_TEXT)
    cnf = query if isinstance(query, Cnf) else Cnf.parse(query) if isinstance(query, str) else Cnf([[query]])
    distance = _distance(scope, max_distance)
    seed = None if seed is None else checked_seed(seed)
    limit = at_least(limit, 0, "limit")
    shown = SnippetOptions(
        at_least(matches_per_document, 1, "matches_per_document"),
        at_least(snippet_tokens, 0, "snippet_tokens"),
        None if text_characters is None else at_least(text_characters, 0, "text_characters"),
    )
    max_matches = None if max_matches is None else at_least(max_matches, 1, "max_matches")
    filters = {} if where is None else checked(where)
    occurrences: Occurrences
    if matcher is None:
        occurrences = _InTokens(source, cnf, distance, max_matches, seed or 0, shown)
    elif max_matches is not None:
        raise QueryError("max_matches cannot be combined with any_tokenization; leave one of them out")
    else:
        occurrences = InCharacters(source, cnf, distance, matcher, shown, watch)
    cursors = Cursors((source.fingerprint, *occurrences.identity, seed, max_matches, sorted(filters.items())))
    after = None if cursor is None else cursors.read(text_argument(cursor, "cursor"))

    matched = _filtered(source, occurrences.documents(watch), filters, watch)
    keys = order_of(matched.document_ids, seed)
    page, has_more = page_of(keys, after, limit)
    hits: list[SearchHit] = []
    for number in page.tolist():
        watch.report("show", len(hits), len(page), "documents")
        hits.append(occurrences.hit(int(matched.document_ids[number]), int(matched.n_matches[number]), watch))
    return SearchResult(
        **_counts(matched, source.core.n_documents, is_whole=not filters),
        documents=tuple(hits),
        cursor=cursors.write(int(keys[page[-1]])) if has_more and hits else None,
    )


class _InTokens:
    """The occurrences of terms that are token sequences."""

    def __init__(
        self, source: Source, cnf: Cnf, distance: int | None, max_matches: int | None, seed: int, shown: SnippetOptions
    ) -> None:
        clauses = [[source.tokens(term) for term in terms] for terms in cnf.clauses]
        self._source, self._max_matches, self._seed, self._shown = source, max_matches, seed, shown
        self._conjunction = source.core.conjunction(clauses, None if len(clauses) == 1 else distance)
        self.identity = ([[list(map(int, term)) for term in terms] for terms in clauses], distance)

    def documents(self, watch: Watch) -> MatchedDocuments:
        counts = () if self._max_matches is None else tuple(self._conjunction.counts())
        if self._max_matches is None or min(counts) <= self._max_matches:
            return MatchedDocuments(*self._conjunction.documents(watch.poll("search", "occurrences")))
        sample = self._conjunction.sampled_documents(self._max_matches, self._seed, watch.poll("search", "occurrences"))
        return MatchedDocuments(*sample, n_examined=self._max_matches, clause_counts=counts)

    def hit(self, document_id: int, match_count: int, watch: Watch) -> SearchHit:
        # For a sample, `match_count` is the number of examined occurrences only.
        n_matches, shown = self._conjunction.matches(
            document_id, self._shown.n_matches, watch.poll("search", "occurrences")
        )
        text = self._source.text(document_id)
        matches = matches_in(text, shown, self._shown.n_tokens_around)
        return hit_of(self._source, document_id, text.head(self._shown.n_characters), n_matches, matches)


def _distance(scope: Scope, max_distance: int) -> int | None:
    choice(scope, "scope", ("window", "document"))
    distance = at_least(max_distance, 0, "max_distance")
    return distance if scope == "window" else None


def _filtered(
    source: Source, found: MatchedDocuments, filters: dict[str, JsonScalar], watch: Watch
) -> MatchedDocuments:
    """Return the documents whose metadata satisfy the filters."""
    if not filters:
        return found
    mask = matching(source.core, found.document_ids, filters, watch)
    columns = (found.document_ids[mask], found.n_matches[mask], found.has_first[mask])
    return MatchedDocuments(*columns, found.n_examined, found.clause_counts)


def _counts(found: MatchedDocuments, n_documents: int, *, is_whole: bool) -> dict[str, Any]:
    """Return the counts of a result, exact or estimated.

    A random occurrence of the first clause is an occurrence of the query with probability count / counts[0]. It is the
    first one in its document with probability document_count / counts[0], since each document has exactly one.
    """
    count, n_found, counts = int(found.n_matches.sum()), len(found.document_ids), found.clause_counts
    if found.n_examined is None:
        return {"count": count, "document_count": n_found, "is_exact": True}
    n_first = int(found.has_first.sum())
    estimate, interval = _estimate(count, found.n_examined, counts[0], minimum=count)
    if is_whole and len(counts) == 1:
        estimate, interval = counts[0], (counts[0], counts[0])
    documents, document_interval = _estimate(n_first, found.n_examined, counts[0], minimum=n_found)
    most = min(n_documents, interval[1])
    return {
        "count": estimate,
        "document_count": min(documents, most),
        "is_exact": False,
        "count_interval": interval,
        "document_count_interval": (document_interval[0], min(document_interval[1], most)),
    }


def _estimate(n_hits: int, n_drawn: int, total: int, *, minimum: int) -> tuple[int, tuple[int, int]]:
    """Estimate the hits among `total` items, and their interval; the status of the drawn items is known."""
    low, high = share_interval(n_hits, n_drawn)
    most = total - (n_drawn - n_hits)
    bounds = max(minimum, math.floor(low * total)), min(most, math.ceil(high * total))
    return min(max(round(n_hits * total / n_drawn), minimum), most), bounds
