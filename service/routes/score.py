"""How likely each token of a sequence is after those before it."""

from __future__ import annotations

import math
from time import perf_counter

from ..answering import question_router
from ..answers import ScoreAnswer, ScoreTotal
from ..asking import answer_each, encode, milliseconds_since
from ..batch_answers import Results, ScoreBatchAnswer
from ..batches import ScoreBatch
from ..dependencies import AskedIndex
from ..questions import ScoreQuestion

router = question_router("score")


@router.post("/score", operation_id="score", summary="Score every token of a text")
def score(asked: AskedIndex, question: ScoreQuestion) -> ScoreAnswer:
    """The ∞-gram at every position: the first token is predicted from nothing, each other from those before it."""
    started = perf_counter()
    query = encode(asked, question)
    scored = asked.served.index.score(query.token_ids, min_count=question.min_count, end=question.end)
    log_probs = [value if math.isfinite(value) else None for value in scored.log_probs.tolist()]
    possible = [value for value in log_probs if value is not None]
    n_impossible = len(log_probs) - len(possible)
    return ScoreAnswer(
        token_ids=scored.token_ids.tolist(),
        tokens=asked.served.tokens(scored.token_ids.tolist()),
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


@router.post("/score/batch", operation_id="score_batch", summary="Score several texts", response_model=ScoreBatchAnswer)
def score_batch(asked: AskedIndex, batch: ScoreBatch) -> Results[ScoreAnswer]:
    """`score` for each question; one that fails has its problem in its place."""
    return answer_each(asked, batch, score)
