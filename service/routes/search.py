"""Search for documents, by tokens or by the characters of a text."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any

import numpy as np

import infgram

from ..dependencies import JobDep
from ..indexes import ServedIndex
from ..pipeline.encoding import encoded, milliseconds_since, token_ids_of
from ..pipeline.job import Job
from ..pipeline.questions import QuestionRouter
from ..problems import ProblemError
from ..schemas.fields import check, exceeded
from ..schemas.requests import SearchRequest, SearchTextRequest
from ..schemas.responses import Found, FoundDocument, Match, SearchResponse, SearchTextResponse
from ..settings import Limits

router = QuestionRouter("documents")


@router.question(
    "/search",
    summary="Find the documents that contain a text, or an AND of ORs of texts",
    batch_summary="Several searches",
    batch_sum=("limit", "batch_documents"),
)
def search(job: JobDep, question: SearchRequest) -> SearchResponse:
    """Documents that contain the query, each once: in the order of their ids, or a random sample by `seed`, in pages.

    A text with AND or OR in capitals is a query of several terms, as in `rock AND (roll OR "rhythm and blues")`.
    """
    started = perf_counter()
    check(question, job.limits)
    clauses = _clauses(job, question)
    terms = encoded(job, np.concatenate([term for clause in clauses for term in clause]))
    query = infgram.Cnf(_terms(question))
    with _search_errors():
        result = job.served.index.search(
            query if question.is_in_characters else infgram.Cnf(clauses),
            ignore_case=question.ignore_case,
            any_tokenization=question.any_tokenization,
            limit=question.limit,
            seed=question.seed,
            snippet_tokens=question.snippet_tokens,
            scope=question.scope,
            max_distance=question.max_distance,
            max_matches=question.max_matches,
            where=question.where,
            cursor=question.cursor,
            matches_per_document=question.matches_per_document,
            text_characters=job.limits.text_characters + 1,
            timeout_s=job.deadline.remaining_s,
            progress=lambda _: job.deadline.check(),
        )
    return SearchResponse(
        token_ids=terms.ids,
        tokens=terms.tokens,
        **_found(job.served, query, result, job.limits),
        elapsed_ms=milliseconds_since(started),
    )


@router.question(
    "/search-text",
    summary="Find the documents that contain the characters of a text",
    batch_summary="Several searches for characters",
    batch_sum=("limit", "batch_documents"),
)
def search_text(job: JobDep, question: SearchTextRequest) -> SearchTextResponse:
    """`search` with `any_tokenization`: also inside words and across tokens, in any case with `ignore_case`."""
    started = perf_counter()
    check(question, job.limits)
    if not job.served.has_tokenizer:
        raise ProblemError("no_tokenizer")
    query = _parse(question.query)
    with _search_errors():
        result = job.served.index.search_text(
            query,
            ignore_case=question.ignore_case,
            limit=question.limit,
            seed=question.seed,
            snippet_tokens=question.snippet_tokens,
            where=question.where,
            cursor=question.cursor,
            matches_per_document=question.matches_per_document,
            text_characters=job.limits.text_characters + 1,
            timeout_s=job.deadline.remaining_s,
            progress=lambda _: job.deadline.check(),
        )
    return SearchTextResponse(**_found(job.served, query, result, job.limits), elapsed_ms=milliseconds_since(started))


@contextmanager
def _search_errors() -> Iterator[None]:
    """Turn errors of the library about a search into problems."""
    try:
        yield
    except infgram.CursorError as error:
        raise ProblemError("invalid_cursor") from error
    except (infgram.QueryError, infgram.TokenizerError) as error:
        raise ProblemError("invalid_query") from error


def _clauses(job: Job, question: SearchRequest) -> list[list[Any]]:
    """Return the token ids of each term of each clause.

    Raises:
        ProblemError: a term is empty or invalid, or there are too many.
    """
    clauses = [
        [
            token_ids_of(job.served, term, None) if isinstance(term, str) else token_ids_of(job.served, None, term)
            for term in clause
        ]
        for clause in _terms(question)
    ]
    limit = job.limits.clauses
    if len(clauses) > limit or any(len(clause) > limit for clause in clauses):
        raise ProblemError("limit_exceeded", errors=[exceeded("query", limit, "clauses, and terms of each")])
    if not clauses or any(len(term) == 0 for clause in clauses for term in clause):
        raise ProblemError("empty_query")
    return clauses


def _terms(question: SearchRequest) -> Any:
    if question.clauses is not None:
        return question.clauses
    if question.query is None:
        return [[question.token_ids]]
    return _parse(question.query).clauses


def _parse(query: str) -> infgram.Cnf:
    try:
        return infgram.Cnf.parse(query)
    except infgram.QueryError as error:
        raise ProblemError("malformed_query") from error


def _found(served: ServedIndex, query: infgram.Cnf, result: infgram.SearchResult, limits: Limits) -> dict[str, Any]:
    """Return the fields of `Found`."""
    names = (name for name in Found.model_fields if name not in ("documents", "clauses"))
    return {
        **{name: getattr(result, name) for name in names},
        "clauses": [[_term_text(served, term) for term in terms] for terms in query.clauses],
        "documents": [_found_document(hit, limits.text_characters) for hit in result],
    }


def _term_text(served: ServedIndex, term: Any) -> str | None:
    if isinstance(term, str):
        return term
    return served.index.tokenizer.decode(term) if served.has_tokenizer else None


def _found_document(hit: infgram.SearchHit, max_characters: int) -> FoundDocument:
    return FoundDocument(
        **_match_fields(hit),
        document_id=hit.document_id,
        metadata=dict(hit.metadata),
        source=hit.source,
        line=hit.line,
        text=hit.text[:max_characters],
        text_truncated=len(hit.text) > max_characters,
        match_count=hit.match_count,
        matches=[Match(**_match_fields(match)) for match in hit.matches],
    )


def _match_fields(match: infgram.SearchMatch) -> dict[str, Any]:
    return {name: getattr(match, name) for name in Match.model_fields}
