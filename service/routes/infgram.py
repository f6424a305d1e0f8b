"""The ∞-gram: what follows the longest suffix of a context that occurs."""

from __future__ import annotations

from time import perf_counter

from ..answering import question_router
from ..answers import DistributionAnswer
from ..asking import answer_each, encode
from ..batch_answers import DistributionBatchAnswer, Results
from ..batches import InfgramBatch
from ..dependencies import AskedIndex
from ..questions import InfgramQuestion
from ..showing import distribution

router = question_router("next token")


@router.post("/infgram", operation_id="infgram", summary="What follows the longest suffix that occurs")
def infgram(asked: AskedIndex, question: InfgramQuestion) -> DistributionAnswer:
    """The ∞-gram: exact counts of what follows the longest suffix that occurs at least `min_count` times."""
    started = perf_counter()
    query = encode(asked, question)
    found = asked.served.index.infgram_distribution(query.token_ids, min_count=question.min_count, top_k=question.top_k)
    return distribution(asked.served, query, found, suffix_length=found.suffix_length, started=started)


@router.post(
    "/infgram/batch",
    operation_id="infgram_batch",
    summary="The ∞-gram of several texts",
    response_model=DistributionBatchAnswer,
)
def infgram_batch(asked: AskedIndex, batch: InfgramBatch) -> Results[DistributionAnswer]:
    """`infgram` for each question; one that fails has its problem in its place."""
    return answer_each(asked, batch, infgram, in_sum=("top_k", asked.limits.batch_rows))
