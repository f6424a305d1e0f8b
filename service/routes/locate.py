"""At which places something stands."""

from __future__ import annotations

from time import perf_counter

from ..answering import question_router
from ..answers import LocateAnswer, Place
from ..asking import answer_each, encode, milliseconds_since
from ..batch_answers import LocateBatchAnswer, Results
from ..batches import LocateBatch
from ..dependencies import AskedIndex
from ..questions import LocateQuestion

router = question_router("find")


@router.post("/locate", operation_id="locate", summary="The places of a text")
def locate(asked: AskedIndex, question: LocateQuestion) -> LocateAnswer:
    """Document and offset of each occurrence, in the order of the suffixes. The empty query stands at every token."""
    started = perf_counter()
    query = encode(asked, question)
    index = asked.served.index
    places = index.locate(query.token_ids, limit=question.limit)
    return LocateAnswer(
        token_ids=query.ids,
        tokens=query.tokens,
        count=index.count(query.token_ids),
        locations=[Place(document_id=document_id, offset=offset) for document_id, offset in places],
        elapsed_ms=milliseconds_since(started),
    )


@router.post(
    "/locate/batch", operation_id="locate_batch", summary="Locate several texts", response_model=LocateBatchAnswer
)
def locate_batch(asked: AskedIndex, batch: LocateBatch) -> Results[LocateAnswer]:
    """`locate` for each question; one that fails has its problem in its place."""
    return answer_each(asked, batch, locate, in_sum=("limit", asked.limits.batch_locations))
