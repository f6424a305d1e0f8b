"""Which documents hold something."""

from __future__ import annotations

from time import perf_counter
from typing import Any

import numpy as np

import infgram

from ..answering import question_router
from ..answers import SearchAnswer
from ..asking import answer_each, encoded, milliseconds_since, token_ids_of
from ..batch_answers import Results, SearchBatchAnswer
from ..batches import SearchBatch
from ..dependencies import Asked, AskedIndex
from ..limits import check, exceeded
from ..problems import ProblemError
from ..questions import SearchQuestion
from ..showing import found

router = question_router("documents")


@router.post("/search", operation_id="search", summary="Find the documents that hold a text, or an AND of ORs of texts")
def search(asked: AskedIndex, question: SearchQuestion) -> SearchAnswer:
    """Documents that hold the query, none twice: by their numbers, or in a random order by `seed`; page by page.

    A text with AND or OR in capitals is a query of several terms, as in `rock AND (roll OR "rhythm and blues")`.
    """
    started = perf_counter()
    check(question, asked.limits)
    clauses = _clauses(asked, question)
    terms = encoded(asked, np.concatenate([term for clause in clauses for term in clause]))
    query = infgram.Cnf(_terms(question))
    try:
        result = asked.served.index.search(
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
            timeout_s=asked.work.remaining_s,
            progress=lambda _: asked.work.check(),
        )
    except infgram.CursorError as error:
        raise ProblemError("invalid_cursor") from error
    except (infgram.QueryError, infgram.TokenizerError) as error:
        raise ProblemError("invalid_query") from error
    return SearchAnswer(
        token_ids=terms.ids,
        tokens=terms.tokens,
        **found(asked.served, query, result, asked.limits),
        elapsed_ms=milliseconds_since(started),
    )


@router.post("/search/batch", operation_id="search_batch", summary="Several searches", response_model=SearchBatchAnswer)
def search_batch(asked: AskedIndex, batch: SearchBatch) -> Results[SearchAnswer]:
    """`search` for each question; one that fails has its problem in its place."""
    return answer_each(asked, batch, search, in_sum=("limit", asked.limits.batch_documents))


def _clauses(asked: Asked, question: SearchQuestion) -> list[list[Any]]:
    """The token ids of each term of each clause.

    Raises:
        ProblemError: a term is empty or cannot be asked, or there are too many.
    """
    clauses = [
        [
            token_ids_of(asked.served, term, None) if isinstance(term, str) else token_ids_of(asked.served, None, term)
            for term in clause
        ]
        for clause in _terms(question)
    ]
    most = asked.limits.clauses
    if len(clauses) > most or any(len(clause) > most for clause in clauses):
        raise ProblemError("limit_exceeded", errors=[exceeded("query", most, "clauses, and terms of each")])
    if not clauses or any(len(term) == 0 for clause in clauses for term in clause):
        raise ProblemError("empty_query")
    return clauses


def _terms(question: SearchQuestion) -> Any:
    if question.clauses is not None:
        return question.clauses
    if question.query is None:
        return [[question.token_ids]]
    try:
        return infgram.Cnf.parse(question.query).clauses
    except infgram.QueryError as error:
        raise ProblemError("malformed_query") from error
