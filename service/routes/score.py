"""A sequence as a whole: the probability of each token, and the longest match from each token on."""

from __future__ import annotations

import math
from time import perf_counter

from ..dependencies import JobDep
from ..pipeline.encoding import encode, milliseconds_since
from ..pipeline.questions import QuestionRouter
from ..schemas.requests import LongestMatchesRequest, ScoreRequest
from ..schemas.responses import LongestMatchesResponse, ScoreResponse, ScoreTotal

router = QuestionRouter("score")


@router.question("/score", summary="Score every token of a text", batch_summary="Score several texts")
def score(job: JobDep, question: ScoreRequest) -> ScoreResponse:
    """The ∞-gram at every position: each token is predicted from those before it, the first from the empty context."""
    started = perf_counter()
    query = encode(job, question)
    scored = job.served.index.score(query.token_ids, min_count=question.min_count, end=question.end)
    log_probs = [value if math.isfinite(value) else None for value in scored.log_probs.tolist()]
    possible = [value for value in log_probs if value is not None]
    n_impossible = len(log_probs) - len(possible)
    return ScoreResponse(
        token_ids=scored.token_ids.tolist(),
        tokens=job.served.tokens(scored.token_ids.tolist()),
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


@router.question(
    "/longest-matches",
    summary="The longest match from each token on",
    batch_summary="The longest matches of several texts",
)
def longest_matches(job: JobDep, question: LongestMatchesRequest) -> LongestMatchesResponse:
    """Length and count of the longest match that starts at each token."""
    started = perf_counter()
    query = encode(job, question)
    found = job.served.index.longest_matches(query.token_ids)
    return LongestMatchesResponse(
        token_ids=query.ids,
        tokens=query.tokens,
        lengths=found.lengths.tolist(),
        counts=found.counts.tolist(),
        elapsed_ms=milliseconds_since(started),
    )
