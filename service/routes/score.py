"""How likely each token of a sequence is after those before it."""

from __future__ import annotations

import math
from time import perf_counter

from fastapi import APIRouter

from ..answers import ScoreAnswer, ScoreBatchAnswer, ScoreTotal
from ..asking import answer_each, encode, milliseconds_since
from ..bodies import JsonRoute
from ..dependencies import NamedIndex, RequestLimits
from ..indexes import ServedIndex
from ..limits import check
from ..problems import refusals
from ..questions import ScoreBatch, ScoreQuestion
from ..settings import Limits

router = APIRouter(route_class=JsonRoute, tags=["score"], responses=refusals(404, 413, 415, 422, 503))


@router.post("/score", operation_id="score", summary="Score every token of a text")
def score(served: NamedIndex, limits: RequestLimits, question: ScoreQuestion) -> ScoreAnswer:
    """The ∞-gram at every position: the first token is predicted from nothing, each other from those before it."""
    return answer(served, limits, question)


@router.post("/score/batch", operation_id="score_batch", summary="Score several texts")
def score_batch(served: NamedIndex, limits: RequestLimits, batch: ScoreBatch) -> ScoreBatchAnswer:
    """`score` for each question; one that fails has its problem in its place."""
    check(batch, limits)
    return ScoreBatchAnswer(results=answer_each(batch.items, lambda question: answer(served, limits, question)))


def answer(served: ServedIndex, limits: Limits, question: ScoreQuestion) -> ScoreAnswer:
    """The answer to one question."""
    started = perf_counter()
    query = encode(served, question, limits)
    scored = served.index.score(query.token_ids, min_count=question.min_count, end=question.end)
    log_probs = [value if math.isfinite(value) else None for value in scored.log_probs.tolist()]
    possible = [value for value in log_probs if value is not None]
    n_impossible = len(log_probs) - len(possible)
    return ScoreAnswer(
        token_ids=scored.token_ids.tolist(),
        tokens=served.tokens(scored.token_ids.tolist()),
        suffix_lengths=scored.suffix_lengths.tolist(),
        context_counts=scored.context_counts.tolist(),
        continuation_counts=scored.continuation_counts.tolist(),
        log_probs=log_probs,
        total=ScoreTotal(
            n_positions=len(log_probs),
            n_impossible=n_impossible,
            log_prob=None if n_impossible else math.fsum(possible),
        ),
        elapsed_ms=milliseconds_since(started),
    )
