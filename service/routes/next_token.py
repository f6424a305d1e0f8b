"""What follows the whole of a context."""

from __future__ import annotations

from time import perf_counter

from ..answering import question_router
from ..answers import DistributionAnswer
from ..asking import answer_each, as_text, encode
from ..batch_answers import DistributionBatchAnswer, Results
from ..batches import NextTokenBatch
from ..dependencies import AskedIndex
from ..questions import NextTokenQuestion
from ..showing import distribution

router = question_router("next token")


@router.post("/next-token", operation_id="next_token", summary="What follows the whole text")
def next_token(asked: AskedIndex, question: NextTokenQuestion) -> DistributionAnswer:
    """Exact counts of what follows the whole context; no rows if it never occurs.

    With `any_tokenization`, what follows the string in whatever tokens, where a token ends with it.
    """
    started = perf_counter()
    query = encode(asked, question)
    index = asked.served.index
    if question.is_in_characters:
        with as_text(question) as text:
            found = index.next_token_distribution(
                text, top_k=question.top_k, ignore_case=question.ignore_case, any_tokenization=True
            )
    else:
        found = index.next_token_distribution(query.token_ids, top_k=question.top_k)
    return distribution(asked.served, query, found, suffix_length=len(query.token_ids), started=started)


@router.post(
    "/next-token/batch",
    operation_id="next_token_batch",
    summary="What follows several texts",
    response_model=DistributionBatchAnswer,
)
def next_token_batch(asked: AskedIndex, batch: NextTokenBatch) -> Results[DistributionAnswer]:
    """`next_token` for each question; one that fails has its problem in its place."""
    return answer_each(asked, batch, next_token, in_sum=("top_k", asked.limits.batch_rows))
