"""Which passages of a text stand in the corpus, and in which documents."""

from __future__ import annotations

from dataclasses import asdict
from time import perf_counter

import infgram

from ..answering import question_router
from ..answers import Span, TraceAnswer, TracedDocument
from ..asking import answer_each, encode, milliseconds_since
from ..batch_answers import Results, TraceBatchAnswer
from ..batches import TraceBatch
from ..dependencies import AskedIndex
from ..questions import TraceQuestion

router = question_router("comparing")


@router.post("/trace", operation_id="trace", summary="The passages of a text that stand in the corpus")
def trace(asked: AskedIndex, question: TraceQuestion) -> TraceAnswer:
    """The maximal spans of a text that occur, the least probable of them, and documents that hold them."""
    started = perf_counter()
    query = encode(asked, question)
    found = infgram.trace(
        asked.served.index,
        query.token_ids if question.query is None else question.query,
        min_length=question.min_length,
        max_count=question.max_count,
        max_spans=question.max_spans,
        whole_words=question.whole_words,
        delimiters=question.delimiters,
        documents_per_span=question.documents_per_span,
        snippet_tokens=question.snippet_tokens,
        seed=question.seed,
        timeout_s=asked.work.remaining_s,
        progress=lambda _: asked.work.check(),
    )
    return TraceAnswer(
        token_ids=query.ids,
        tokens=query.tokens,
        n_maximal=found.n_maximal,
        n_covered=found.n_covered,
        spans=[Span(**asdict(span)) for span in found.spans],
        documents=[TracedDocument(**asdict(document)) for document in found.documents],
        elapsed_ms=milliseconds_since(started),
    )


@router.post("/trace/batch", operation_id="trace_batch", summary="Trace several texts", response_model=TraceBatchAnswer)
def trace_batch(asked: AskedIndex, batch: TraceBatch) -> Results[TraceAnswer]:
    """`trace` for each question; one that fails has its problem in its place."""
    return answer_each(asked, batch, trace)
