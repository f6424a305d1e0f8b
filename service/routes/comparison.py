"""Compare a text with the corpus: trace its passages, find novel n-grams, measure test-set overlap."""

from __future__ import annotations

import math
from dataclasses import asdict
from time import perf_counter

import infgram

from ..dependencies import JobDep
from ..pipeline.encoding import encode, milliseconds_since
from ..pipeline.questions import QuestionRouter
from ..schemas.requests import NoveltyRequest, OverlapRequest, TraceRequest
from ..schemas.responses import (
    NoveltyResponse,
    OverlapEvidence,
    OverlapResponse,
    SizeOverlap,
    Span,
    TracedDocument,
    TraceResponse,
)

router = QuestionRouter("comparing")


@router.question(
    "/trace", summary="The passages of a text that occur in the corpus", batch_summary="Trace several texts"
)
def trace(job: JobDep, question: TraceRequest) -> TraceResponse:
    """The least probable of the maximal spans of a text that occur in the corpus, and documents that contain them."""
    started = perf_counter()
    query = encode(job, question)
    found = infgram.trace(
        job.served.index,
        query.token_ids if question.query is None else question.query,
        any_tokenization=question.any_tokenization,
        ignore_case=question.ignore_case,
        min_length=question.min_length,
        max_count=question.max_count,
        max_spans=question.max_spans,
        whole_words=question.whole_words,
        delimiters=question.delimiters,
        documents_per_span=question.documents_per_span,
        snippet_tokens=question.snippet_tokens,
        seed=question.seed,
        timeout_s=job.deadline.remaining_s,
        progress=lambda _: job.deadline.check(),
    )
    return TraceResponse(
        token_ids=query.ids,
        tokens=query.tokens,
        n_maximal=found.n_maximal,
        n_covered=found.n_covered,
        n_given_up=found.n_given_up,
        spans=[Span(**asdict(span)) for span in found.spans],
        documents=[TracedDocument(**asdict(document)) for document in found.documents],
        elapsed_ms=milliseconds_since(started),
    )


@router.question(
    "/novelty",
    summary="The n-grams of a text that do not occur in the corpus",
    batch_summary="The novelty of several texts",
)
def novelty(job: JobDep, question: NoveltyRequest) -> NoveltyResponse:
    """For each n, how many n-grams are novel; and for each token, the longest run ending there that occurs."""
    started = perf_counter()
    query = encode(job, question)
    found = infgram.novelty(
        job.served.index,
        query.token_ids,
        max_n=question.max_n,
        timeout_s=job.deadline.remaining_s,
        progress=lambda _: job.deadline.check(),
    )
    return NoveltyResponse(
        token_ids=query.ids,
        tokens=query.tokens,
        suffix_lengths=found.suffix_lengths.tolist(),
        n_grams=found.n_grams.tolist(),
        n_novel=found.n_novel.tolist(),
        curve=[None if math.isnan(share) else share for share in found.curve.tolist()],
        elapsed_ms=milliseconds_since(started),
    )


@router.question(
    "/overlap",
    summary="How much of a test item occurs in the corpus",
    batch_summary="How much of a test set occurs in the corpus",
)
def overlap(job: JobDep, question: OverlapRequest) -> OverlapResponse:
    """The share of its n-grams that occur, and whether the rule counts it as contaminated."""
    started = perf_counter()
    query = encode(job, question)
    found = infgram.overlap(
        job.served.index,
        [query.token_ids],
        rule=question.rule,
        n=question.n,
        threshold=question.threshold,
        measure=question.measure,
        sizes=question.sizes,
        timeout_s=job.deadline.remaining_s,
    )
    (item,) = found
    return OverlapResponse(
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
