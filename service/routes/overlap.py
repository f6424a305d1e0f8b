"""How much of a test set stands in the corpus."""

from __future__ import annotations

from dataclasses import asdict
from time import perf_counter

import infgram

from ..answering import question_router
from ..answers import OverlapAnswer, OverlapEvidence, SizeOverlap
from ..asking import answer_each, encode, milliseconds_since
from ..batch_answers import OverlapBatchAnswer, Results
from ..batches import OverlapBatch
from ..dependencies import AskedIndex
from ..questions import OverlapQuestion

router = question_router("comparing")


@router.post("/overlap", operation_id="overlap", summary="How much of a test item stands in the corpus")
def overlap(asked: AskedIndex, question: OverlapQuestion) -> OverlapAnswer:
    """The share of its n-grams that occur, and whether that makes it contaminated."""
    started = perf_counter()
    query = encode(asked, question)
    found = infgram.overlap(
        asked.served.index,
        [query.token_ids],
        rule=question.rule,
        n=question.n,
        threshold=question.threshold,
        measure=question.measure,
        sizes=question.sizes,
        timeout_s=asked.work.remaining_s,
    )
    (item,) = found
    return OverlapAnswer(
        token_ids=query.ids,
        tokens=query.tokens,
        rule=str(found.rule),
        is_contaminated=item.is_contaminated,
        is_short=item.is_short,
        longest_start=item.longest_start,
        longest_length=item.longest_length,
        sizes=[SizeOverlap(**{name: getattr(size, name) for name in SizeOverlap.model_fields}) for size in item.sizes],
        evidence=None if item.evidence is None else OverlapEvidence(**asdict(item.evidence)),
        elapsed_ms=milliseconds_since(started),
    )


@router.post(
    "/overlap/batch",
    operation_id="overlap_batch",
    summary="How much of a test set stands in the corpus",
    response_model=OverlapBatchAnswer,
)
def overlap_batch(asked: AskedIndex, batch: OverlapBatch) -> Results[OverlapAnswer]:
    """`overlap` for each item; one that fails has its problem in its place."""
    return answer_each(asked, batch, overlap)
