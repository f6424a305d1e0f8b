"""In which ranks of the suffix arrays something stands."""

from __future__ import annotations

from time import perf_counter

from ..answering import question_router
from ..answers import FindAnswer, SuffixRangeAnswer
from ..asking import answer_each, encode, milliseconds_since
from ..batch_answers import FindBatchAnswer, Results
from ..batches import FindBatch
from ..dependencies import AskedIndex
from ..questions import FindQuestion

router = question_router("find")


@router.post("/find", operation_id="find", summary="The suffix range of a text in each shard")
def find(asked: AskedIndex, question: FindQuestion) -> FindAnswer:
    """The ranks whose suffixes begin with the query, one range a shard."""
    started = perf_counter()
    query = encode(asked, question)
    ranges = asked.served.index.find(query.token_ids)
    return FindAnswer(
        token_ids=query.ids,
        tokens=query.tokens,
        count=sum(suffixes.size for suffixes in ranges),
        ranges=[SuffixRangeAnswer(lo=lo, hi=hi) for lo, hi in ranges],
        elapsed_ms=milliseconds_since(started),
    )


@router.post("/find/batch", operation_id="find_batch", summary="Find several texts", response_model=FindBatchAnswer)
def find_batch(asked: AskedIndex, batch: FindBatch) -> Results[FindAnswer]:
    """`find` for each question; one that fails has its problem in its place."""
    return answer_each(asked, batch, find)
