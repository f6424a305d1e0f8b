"""How much of a text occurs, from each of its tokens on."""

from __future__ import annotations

from time import perf_counter

from ..answering import question_router
from ..answers import LongestMatchesAnswer
from ..asking import answer_each, encode, milliseconds_since
from ..batch_answers import LongestMatchesBatchAnswer, Results
from ..batches import LongestMatchesBatch
from ..dependencies import AskedIndex
from ..questions import LongestMatchesQuestion

router = question_router("score")


@router.post("/longest-matches", operation_id="longest_matches", summary="The longest match from each token on")
def longest_matches(asked: AskedIndex, question: LongestMatchesQuestion) -> LongestMatchesAnswer:
    """Length and count of the longest match that starts at each token."""
    started = perf_counter()
    query = encode(asked, question)
    found = asked.served.index.longest_matches(query.token_ids)
    return LongestMatchesAnswer(
        token_ids=query.ids,
        tokens=query.tokens,
        lengths=found.lengths.tolist(),
        counts=found.counts.tolist(),
        elapsed_ms=milliseconds_since(started),
    )


@router.post(
    "/longest-matches/batch",
    operation_id="longest_matches_batch",
    summary="The longest matches of several texts",
    response_model=LongestMatchesBatchAnswer,
)
def longest_matches_batch(asked: AskedIndex, batch: LongestMatchesBatch) -> Results[LongestMatchesAnswer]:
    """`longest_matches` for each question; one that fails has its problem in its place."""
    return answer_each(asked, batch, longest_matches)
