"""Which n-grams of a text the corpus does not hold."""

from __future__ import annotations

import math
from time import perf_counter

import infgram

from ..answering import question_router
from ..answers import NoveltyAnswer
from ..asking import answer_each, encode, milliseconds_since
from ..batch_answers import NoveltyBatchAnswer, Results
from ..batches import NoveltyBatch
from ..dependencies import AskedIndex
from ..questions import NoveltyQuestion

router = question_router("comparing")


@router.post("/novelty", operation_id="novelty", summary="The n-grams of a text that are new to the corpus")
def novelty(asked: AskedIndex, question: NoveltyQuestion) -> NoveltyAnswer:
    """For n-grams of each length, how many are novel; and at each token, how far back it goes on with the corpus."""
    started = perf_counter()
    query = encode(asked, question)
    found = infgram.novelty(
        asked.served.index,
        query.token_ids,
        max_n=question.max_n,
        timeout_s=asked.work.remaining_s,
        progress=lambda _: asked.work.check(),
    )
    return NoveltyAnswer(
        token_ids=query.ids,
        tokens=query.tokens,
        suffix_lengths=found.suffix_lengths.tolist(),
        n_grams=found.n_grams.tolist(),
        n_novel=found.n_novel.tolist(),
        curve=[None if math.isnan(share) else share for share in found.curve.tolist()],
        elapsed_ms=milliseconds_since(started),
    )


@router.post(
    "/novelty/batch",
    operation_id="novelty_batch",
    summary="The novelty of several texts",
    response_model=NoveltyBatchAnswer,
)
def novelty_batch(asked: AskedIndex, batch: NoveltyBatch) -> Results[NoveltyAnswer]:
    """`novelty` for each question; one that fails has its problem in its place."""
    return answer_each(asked, batch, novelty)
