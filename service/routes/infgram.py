"""The ∞-gram: what follows the longest suffix of a context that occurs."""

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
from ..questions import InfgramBatch, InfgramQuestion
from ..settings import Limits
from ..showing import distribution

router = APIRouter(route_class=JsonRoute, tags=["next token"], responses=refusals(404, 413, 415, 422, 503))


@router.post("/infgram", operation_id="infgram", summary="What follows the longest suffix that occurs")
def infgram(served: NamedIndex, limits: RequestLimits, question: InfgramQuestion) -> DistributionAnswer:
    """The ∞-gram: exact counts of what follows the longest suffix that occurs at least `min_count` times."""
    return answer(served, limits, question)


@router.post("/infgram/batch", operation_id="infgram_batch", summary="The ∞-gram of several texts")
def infgram_batch(served: NamedIndex, limits: RequestLimits, batch: InfgramBatch) -> DistributionBatchAnswer:
    """`infgram` for each question; one that fails has its problem in its place."""
    check(batch, limits)
    check_sum(batch.items, "top_k", limits.batch_rows)
    return DistributionBatchAnswer(results=answer_each(batch.items, lambda question: answer(served, limits, question)))


def answer(served: ServedIndex, limits: Limits, question: InfgramQuestion) -> DistributionAnswer:
    """The answer to one question."""
    started = perf_counter()
    query = encode(served, question, limits)
    found = served.index.infgram_distribution(query.token_ids, min_count=question.min_count, top_k=question.top_k)
    return distribution(served, query, found, suffix_length=found.suffix_length, started=started)
