"""How often something occurs."""

from __future__ import annotations

from time import perf_counter

from fastapi import APIRouter

from ..answers import CountAnswer, CountBatchAnswer
from ..asking import answer_each, encode, milliseconds_since
from ..bodies import JsonRoute
from ..dependencies import NamedIndex, RequestLimits
from ..indexes import ServedIndex
from ..limits import check
from ..problems import refusals
from ..questions import CountBatch, CountQuestion
from ..settings import Limits

router = APIRouter(route_class=JsonRoute, tags=["count"], responses=refusals(404, 413, 415, 422, 503))


@router.post("/count", operation_id="count", summary="Count the occurrences of a text")
def count(served: NamedIndex, limits: RequestLimits, question: CountQuestion) -> CountAnswer:
    """Exact occurrences of a text or of token ids; the empty query counts all tokens."""
    return answer(served, limits, question)


@router.post("/count/batch", operation_id="count_batch", summary="Count several texts")
def count_batch(served: NamedIndex, limits: RequestLimits, batch: CountBatch) -> CountBatchAnswer:
    """`count` for each question; one that fails has its problem in its place."""
    check(batch, limits)
    return CountBatchAnswer(results=answer_each(batch.items, lambda question: answer(served, limits, question)))


def answer(served: ServedIndex, limits: Limits, question: CountQuestion) -> CountAnswer:
    """The answer to one question."""
    started = perf_counter()
    query = encode(served, question, limits)
    n = served.index.count(query.token_ids)
    return CountAnswer(token_ids=query.ids, tokens=query.tokens, count=n, elapsed_ms=milliseconds_since(started))
