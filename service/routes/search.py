"""Which documents hold something."""

from __future__ import annotations

from time import perf_counter

from fastapi import APIRouter

from ..answers import SearchAnswer, SearchBatchAnswer
from ..asking import answer_each, check_sum, encode, milliseconds_since
from ..bodies import JsonRoute
from ..dependencies import NamedIndex, RequestLimits
from ..indexes import ServedIndex
from ..limits import check
from ..problems import ProblemError, refusals
from ..questions import SearchBatch, SearchQuestion
from ..settings import Limits
from ..showing import found_document

router = APIRouter(route_class=JsonRoute, tags=["documents"], responses=refusals(404, 413, 415, 422, 503))


@router.post("/search", operation_id="search", summary="Find the documents that hold a text")
def search(served: NamedIndex, limits: RequestLimits, question: SearchQuestion) -> SearchAnswer:
    """Documents that hold the query, none twice: by their numbers, or a uniform sample by `seed`."""
    return answer(served, limits, question)


@router.post("/search/batch", operation_id="search_batch", summary="Several searches")
def search_batch(served: NamedIndex, limits: RequestLimits, batch: SearchBatch) -> SearchBatchAnswer:
    """`search` for each question; one that fails has its problem in its place."""
    check(batch, limits)
    check_sum(batch.items, "limit", limits.batch_documents)
    return SearchBatchAnswer(results=answer_each(batch.items, lambda question: answer(served, limits, question)))


def answer(served: ServedIndex, limits: Limits, question: SearchQuestion) -> SearchAnswer:
    """The answer to one question."""
    started = perf_counter()
    query = encode(served, question, limits)
    if not len(query.token_ids):
        raise ProblemError("empty_query")
    found = served.index.search(
        query.token_ids, limit=question.limit, seed=question.seed, snippet_tokens=question.snippet_tokens
    )
    return SearchAnswer(
        token_ids=query.ids,
        tokens=query.tokens,
        count=found.count,
        documents=[found_document(hit, limits) for hit in found],
        elapsed_ms=milliseconds_since(started),
    )
