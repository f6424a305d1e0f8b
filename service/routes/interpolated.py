"""The index and a neural model together."""

from __future__ import annotations

import math
from time import perf_counter

import numpy as np

import infgram

from ..answering import question_router
from ..answers import InterpolatedAnswer, LikelyToken
from ..asking import answer_each, encode, milliseconds_since
from ..batch_answers import InterpolatedBatchAnswer, Results
from ..batches import InterpolatedBatch
from ..dependencies import AskedIndex
from ..problems import ProblemError
from ..questions import InterpolatedQuestion

router = question_router("next token")


@router.post("/interpolated", operation_id="interpolated", summary="What follows, by the index and a neural model")
def interpolated(asked: AskedIndex, question: InterpolatedQuestion) -> InterpolatedAnswer:
    """The mixture of a neural model with smoothed n-grams of the index, where a model is configured for it."""
    started = perf_counter()
    query, model = encode(asked, question), asked.served.model
    if model is None:
        raise ProblemError("no_model")
    try:
        probabilities = model.distribution(query.token_ids)
    except infgram.QueryError as error:
        raise ProblemError("empty_query") from error
    likely = np.argsort(-probabilities, kind="stable")[: question.top_k].tolist()
    tokens = asked.served.tokens(likely) or [None] * len(likely)
    rows = zip(likely, tokens, probabilities[likely].tolist(), strict=True)
    return InterpolatedAnswer(
        token_ids=query.ids,
        tokens=query.tokens,
        rows=[LikelyToken(token_id=i, token=token, log_prob=math.log(p) if p else None) for i, token, p in rows],
        elapsed_ms=milliseconds_since(started),
    )


@router.post(
    "/interpolated/batch",
    operation_id="interpolated_batch",
    summary="Several contexts, by the index and a neural model",
    response_model=InterpolatedBatchAnswer,
)
def interpolated_batch(asked: AskedIndex, batch: InterpolatedBatch) -> Results[InterpolatedAnswer]:
    """`interpolated` for each question; one that fails has its problem in its place."""
    return answer_each(asked, batch, interpolated, in_sum=("top_k", asked.limits.batch_rows))
