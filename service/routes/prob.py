"""How likely one token is after a context."""

from __future__ import annotations

import math
from time import perf_counter

from ..answering import question_router
from ..answers import ProbAnswer
from ..asking import answer_each, encode, milliseconds_since, out_of_vocabulary
from ..batch_answers import ProbBatchAnswer, Results
from ..batches import ProbBatch
from ..dependencies import AskedIndex
from ..problems import ProblemError
from ..questions import ProbQuestion

router = question_router("next token")


@router.post("/prob", operation_id="prob", summary="The ∞-gram probability of one token")
def prob(asked: AskedIndex, question: ProbQuestion) -> ProbAnswer:
    """How often the token follows the longest suffix that occurs at least `min_count` times."""
    started = perf_counter()
    query = encode(asked, question)
    vocab_size = asked.served.info["vocab_size"]
    if question.token_id >= vocab_size:
        raise ProblemError("token_out_of_vocabulary", errors=[out_of_vocabulary(vocab_size, "token_id")])
    found = asked.served.index.infgram_log_prob(query.token_ids, question.token_id, min_count=question.min_count)
    return ProbAnswer(
        token_ids=query.ids,
        tokens=query.tokens,
        suffix_length=found.suffix_length,
        effective_n=found.effective_n,
        context_count=found.context_count,
        continuation_count=found.continuation_count,
        is_sparse=found.is_sparse,
        log_prob=float(found) if math.isfinite(found) else None,
        elapsed_ms=milliseconds_since(started),
    )


@router.post("/prob/batch", operation_id="prob_batch", summary="Several probabilities", response_model=ProbBatchAnswer)
def prob_batch(asked: AskedIndex, batch: ProbBatch) -> Results[ProbAnswer]:
    """`prob` for each question; one that fails has its problem in its place."""
    return answer_each(asked, batch, prob)
