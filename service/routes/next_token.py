"""What follows a context: counts, the ∞-gram, probabilities, and the mixture with a neural model."""

from __future__ import annotations

import math
from time import perf_counter

import numpy as np

from infgram import NextTokenDistribution, QueryError

from ..dependencies import JobDep
from ..indexes import ServedIndex
from ..pipeline.encoding import Encoded, as_text, encode, milliseconds_since, out_of_vocabulary
from ..pipeline.questions import QuestionRouter
from ..problems import ProblemError
from ..schemas.requests import (
    InfgramRequest,
    InterpolatedRequest,
    LongestSuffixRequest,
    NextTokenRequest,
    ProbRequest,
)
from ..schemas.responses import (
    DistributionResponse,
    InterpolatedResponse,
    LikelyToken,
    LongestSuffixResponse,
    ProbResponse,
    Row,
)

router = QuestionRouter("next token")


@router.question(
    "/next-token",
    summary="What follows a text",
    batch_summary="What follows each of several texts",
    batch_sum=("top_k", "batch_rows"),
)
def next_token(job: JobDep, question: NextTokenRequest) -> DistributionResponse:
    """Exact counts of the tokens that follow the whole context; no rows if it does not occur.

    With `any_tokenization`, what follows the string in any tokenization in which a token ends with it.
    """
    started = perf_counter()
    query = encode(job, question)
    index = job.served.index
    if question.is_in_characters:
        with as_text(question) as text:
            found = index.next_token_distribution(
                text, top_k=question.top_k, ignore_case=question.ignore_case, any_tokenization=True
            )
    else:
        found = index.next_token_distribution(query.token_ids, top_k=question.top_k)
    return _distribution(job.served, query, found, suffix_length=len(query.token_ids), started=started)


@router.question(
    "/infgram",
    summary="What follows the longest suffix that occurs",
    batch_summary="The ∞-gram of several texts",
    batch_sum=("top_k", "batch_rows"),
)
def infgram(job: JobDep, question: InfgramRequest) -> DistributionResponse:
    """The ∞-gram: exact counts of what follows the longest suffix that occurs at least `min_count` times."""
    started = perf_counter()
    query = encode(job, question)
    found = job.served.index.infgram_distribution(query.token_ids, min_count=question.min_count, top_k=question.top_k)
    return _distribution(job.served, query, found, suffix_length=found.suffix_length, started=started)


@router.question("/prob", summary="The ∞-gram probability of one token", batch_summary="Several probabilities")
def prob(job: JobDep, question: ProbRequest) -> ProbResponse:
    """How often the token follows the longest suffix that occurs at least `min_count` times."""
    started = perf_counter()
    query = encode(job, question)
    vocab_size = job.served.info["vocab_size"]
    if question.token_id >= vocab_size:
        raise ProblemError("token_out_of_vocabulary", errors=[out_of_vocabulary(vocab_size, "token_id")])
    found = job.served.index.infgram_log_prob(query.token_ids, question.token_id, min_count=question.min_count)
    return ProbResponse(
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


@router.question(
    "/longest-suffix",
    summary="The longest suffix that occurs",
    batch_summary="The longest suffixes of several texts",
)
def longest_suffix(job: JobDep, question: LongestSuffixRequest) -> LongestSuffixResponse:
    """Length and count of the longest suffix that occurs at least `min_count` times."""
    started = perf_counter()
    query = encode(job, question)
    found = job.served.index.longest_suffix(query.token_ids, min_count=question.min_count)
    return LongestSuffixResponse(
        token_ids=query.ids,
        tokens=query.tokens,
        length=found.length,
        count=found.count,
        elapsed_ms=milliseconds_since(started),
    )


@router.question(
    "/interpolated",
    summary="What follows, by the index and a neural model",
    batch_summary="What follows several texts, by the index and a neural model",
    batch_sum=("top_k", "batch_rows"),
)
def interpolated(job: JobDep, question: InterpolatedRequest) -> InterpolatedResponse:
    """The mixture of a neural model with smoothed n-grams of the index, if a model is configured for it."""
    started = perf_counter()
    query, model = encode(job, question), job.served.model
    if model is None:
        raise ProblemError("no_model")
    try:
        probabilities = model.distribution(query.token_ids)
    except QueryError as error:
        raise ProblemError("empty_query") from error
    likely = np.argsort(-probabilities, kind="stable")[: question.top_k].tolist()
    tokens = job.served.tokens(likely) or [None] * len(likely)
    rows = zip(likely, tokens, probabilities[likely].tolist(), strict=True)
    return InterpolatedResponse(
        token_ids=query.ids,
        tokens=query.tokens,
        rows=[LikelyToken(token_id=i, token=token, log_prob=math.log(p) if p else None) for i, token, p in rows],
        elapsed_ms=milliseconds_since(started),
    )


def _distribution(
    served: ServedIndex, query: Encoded, found: NextTokenDistribution, *, suffix_length: int, started: float
) -> DistributionResponse:
    """Return the answer for what follows the last `suffix_length` tokens of the query."""
    token_ids = found.token_ids.tolist()
    tokens = served.tokens(token_ids) or [None] * len(token_ids)
    rows = zip(token_ids, tokens, found.counts.tolist(), found.log_probs.tolist(), strict=True)
    return DistributionResponse(
        token_ids=query.ids,
        tokens=query.tokens,
        suffix_length=suffix_length,
        effective_n=suffix_length + 1,
        context_count=found.context_count,
        n_distinct=found.n_distinct,
        is_sparse=found.is_sparse,
        rows=[Row(token_id=i, token=token, count=count, log_prob=log_prob) for i, token, count, log_prob in rows],
        elapsed_ms=milliseconds_since(started),
    )
