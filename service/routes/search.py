"""Which documents hold something."""

from __future__ import annotations

from time import perf_counter

from ..answering import question_router
from ..answers import Results, SearchAnswer, SearchBatchAnswer
from ..asking import answer_each, encode, milliseconds_since
from ..dependencies import AskedIndex
from ..problems import ProblemError
from ..questions import SearchBatch, SearchQuestion
from ..showing import found_document

router = question_router("documents")


@router.post("/search", operation_id="search", summary="Find the documents that hold a text")
def search(asked: AskedIndex, question: SearchQuestion) -> SearchAnswer:
    """Documents that hold the query, none twice: by their numbers, or a uniform sample by `seed`."""
    started = perf_counter()
    query = encode(asked, question)
    if not len(query.token_ids):
        raise ProblemError("empty_query")
    found = asked.served.index.search(
        query.token_ids, limit=question.limit, seed=question.seed, snippet_tokens=question.snippet_tokens
    )
    return SearchAnswer(
        token_ids=query.ids,
        tokens=query.tokens,
        count=found.count,
        documents=[found_document(hit, asked.limits) for hit in found],
        elapsed_ms=milliseconds_since(started),
    )


@router.post("/search/batch", operation_id="search_batch", summary="Several searches", response_model=SearchBatchAnswer)
def search_batch(asked: AskedIndex, batch: SearchBatch) -> Results[SearchAnswer]:
    """`search` for each question; one that fails has its problem in its place."""
    return answer_each(asked, batch, search, in_sum=("limit", asked.limits.batch_documents))
