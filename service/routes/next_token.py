"""What follows the whole of a context."""

from __future__ import annotations

from time import perf_counter

from fastapi import APIRouter

from ..answers import DistributionAnswer, DistributionBatchAnswer
from ..asking import answer_each, check_sum, encode
from ..bodies import JsonRoute
from ..dependencies import NamedIndex, RequestLimits
from ..indexes import ServedIndex
from ..limits import check
from ..problems import refusals
from ..questions import NextTokenBatch, NextTokenQuestion
from ..settings import Limits
from ..showing import distribution

router = APIRouter(route_class=JsonRoute, tags=["next token"], responses=refusals(404, 413, 415, 422, 503))


@router.post("/next-token", operation_id="next_token", summary="What follows the whole text")
def next_token(served: NamedIndex, limits: RequestLimits, question: NextTokenQuestion) -> DistributionAnswer:
    """Exact counts of what follows the whole context; no rows if it never occurs."""
    return answer(served, limits, question)


@router.post("/next-token/batch", operation_id="next_token_batch", summary="What follows several texts")
def next_token_batch(served: NamedIndex, limits: RequestLimits, batch: NextTokenBatch) -> DistributionBatchAnswer:
    """`next_token` for each question; one that fails has its problem in its place."""
    check(batch, limits)
    check_sum(batch.items, "top_k", limits.batch_rows)
    return DistributionBatchAnswer(results=answer_each(batch.items, lambda question: answer(served, limits, question)))


def answer(served: ServedIndex, limits: Limits, question: NextTokenQuestion) -> DistributionAnswer:
    """The answer to one question."""
    started = perf_counter()
    query = encode(served, question, limits)
    found = served.index.next_token_distribution(query.token_ids, top_k=question.top_k)
    return distribution(served, query, found, suffix_length=len(query.token_ids), started=started)
