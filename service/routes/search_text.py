"""Which documents hold the characters of a text, in whatever tokens."""

from __future__ import annotations

from time import perf_counter

import infgram

from ..answering import question_router
from ..answers import SearchTextAnswer
from ..asking import answer_each, milliseconds_since
from ..batch_answers import Results, SearchTextBatchAnswer
from ..batches import SearchTextBatch
from ..dependencies import AskedIndex
from ..limits import check
from ..problems import ProblemError
from ..questions import SearchTextQuestion
from ..showing import found

router = question_router("documents")


@router.post(
    "/search-text", operation_id="search_text", summary="Find the documents that hold the characters of a text"
)
def search_text(asked: AskedIndex, question: SearchTextQuestion) -> SearchTextAnswer:
    """`search` with `any_tokenization`: inside words, across tokens, in any case if asked; page by page."""
    started = perf_counter()
    check(question, asked.limits)
    if not asked.served.has_tokenizer:
        raise ProblemError("no_tokenizer")
    try:
        query = infgram.Cnf.parse(question.query)
    except infgram.QueryError as error:
        raise ProblemError("malformed_query") from error
    try:
        result = asked.served.index.search_text(
            query,
            ignore_case=question.ignore_case,
            limit=question.limit,
            seed=question.seed,
            snippet_tokens=question.snippet_tokens,
            where=question.where,
            cursor=question.cursor,
            matches_per_document=question.matches_per_document,
            timeout_s=asked.work.remaining_s,
            progress=lambda _: asked.work.check(),
        )
    except infgram.CursorError as error:
        raise ProblemError("invalid_cursor") from error
    except (infgram.QueryError, infgram.TokenizerError) as error:
        raise ProblemError("invalid_query") from error
    return SearchTextAnswer(**found(asked.served, query, result, asked.limits), elapsed_ms=milliseconds_since(started))


@router.post(
    "/search-text/batch",
    operation_id="search_text_batch",
    summary="Several searches for characters",
    response_model=SearchTextBatchAnswer,
)
def search_text_batch(asked: AskedIndex, batch: SearchTextBatch) -> Results[SearchTextAnswer]:
    """`search_text` for each question; one that fails has its problem in its place."""
    return answer_each(asked, batch, search_text, in_sum=("limit", asked.limits.batch_documents))
