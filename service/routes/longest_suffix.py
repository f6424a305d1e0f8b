"""How much of the end of a context occurs."""

from __future__ import annotations

from time import perf_counter

from ..answering import question_router
from ..answers import LongestSuffixAnswer
from ..asking import answer_each, encode, milliseconds_since
from ..batch_answers import LongestSuffixBatchAnswer, Results
from ..batches import LongestSuffixBatch
from ..dependencies import AskedIndex
from ..questions import LongestSuffixQuestion

router = question_router("next token")


@router.post("/longest-suffix", operation_id="longest_suffix", summary="The longest suffix that occurs")
def longest_suffix(asked: AskedIndex, question: LongestSuffixQuestion) -> LongestSuffixAnswer:
    """Length and count of the longest suffix that occurs at least `min_count` times."""
    started = perf_counter()
    query = encode(asked, question)
    found = asked.served.index.longest_suffix(query.token_ids, min_count=question.min_count)
    return LongestSuffixAnswer(
        token_ids=query.ids,
        tokens=query.tokens,
        length=found.length,
        count=found.count,
        elapsed_ms=milliseconds_since(started),
    )


@router.post(
    "/longest-suffix/batch",
    operation_id="longest_suffix_batch",
    summary="The longest suffixes of several texts",
    response_model=LongestSuffixBatchAnswer,
)
def longest_suffix_batch(asked: AskedIndex, batch: LongestSuffixBatch) -> Results[LongestSuffixAnswer]:
    """`longest_suffix` for each question; one that fails has its problem in its place."""
    return answer_each(asked, batch, longest_suffix)
