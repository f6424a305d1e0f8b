"""Count occurrences of a query, and the documents that contain it."""

from __future__ import annotations

from dataclasses import asdict
from time import perf_counter

import infgram

from ..dependencies import JobDep
from ..pipeline.encoding import as_text, encode, milliseconds_since, token_ids_of
from ..pipeline.job import Job
from ..pipeline.questions import QuestionRouter
from ..problems import Problem, ProblemError, of_library
from ..schemas.fields import check, exceeded
from ..schemas.requests import CountRequest, CountsRequest, DocumentCountRequest
from ..schemas.responses import CountResponse, CountsResponse, DocumentCountResponse, Readings

router = QuestionRouter("count")


@router.question("/count", summary="Count the occurrences of a text", batch_summary="Count several texts")
def count(job: JobDep, question: CountRequest) -> CountResponse:
    """Exact number of occurrences of a text or of token ids; the empty query counts all tokens."""
    started = perf_counter()
    query = encode(job, question)
    if question.is_in_characters or question.readings:
        n, readings = _of_characters(job, question)
    else:
        n, readings = job.served.index.count(query.token_ids), None
    return CountResponse(
        token_ids=query.ids, tokens=query.tokens, count=n, readings=readings, elapsed_ms=milliseconds_since(started)
    )


@router.post("/counts", operation_id="counts", summary="The counts of many texts, and nothing else")
def counts(job: JobDep, question: CountsRequest) -> CountsResponse:
    """The counts of up to a batch of queries in one search: the fastest way to count many of them."""
    started = perf_counter()
    check(question, job.limits)
    if question.token_ids is not None:
        found = _all_counts(job, question.token_ids)
    else:
        found = [_count_or_problem(job, text, None) for text in question.queries or []]
    return CountsResponse(
        counts=[None if isinstance(each, Problem) else each for each in found],
        errors={n: each for n, each in enumerate(found) if isinstance(each, Problem)},
        elapsed_ms=milliseconds_since(started),
    )


@router.question(
    "/document-count",
    summary="Count the documents that contain a text",
    batch_summary="Count the documents that contain each of several texts",
)
def document_count(job: JobDep, question: DocumentCountRequest) -> DocumentCountResponse:
    """Exact number of distinct documents; for the empty query, those that are not empty. Linear in the occurrences."""
    started = perf_counter()
    query = encode(job, question)
    index = job.served.index
    if question.is_in_characters:
        with as_text(question) as text:
            n = index.document_count(text, ignore_case=question.ignore_case, any_tokenization=True)
    else:
        n = index.document_count(query.token_ids)
    return DocumentCountResponse(
        token_ids=query.ids, tokens=query.tokens, document_count=n, elapsed_ms=milliseconds_since(started)
    )


def _of_characters(job: Job, question: CountRequest) -> tuple[int, Readings | None]:
    """Return the count of a text as a string, and its readings if requested."""
    index = job.served.index
    with as_text(question) as text:
        n = index.count(text, ignore_case=question.ignore_case, any_tokenization=question.any_tokenization)
        return n, Readings.model_validate(asdict(index.readings(text))) if question.readings else None


def _all_counts(job: Job, queries: list[list[int]]) -> list[int | Problem]:
    """Count all queries in one search if all of them are valid, else one by one."""
    if max(map(len, queries), default=0) <= job.limits.query_tokens:
        try:
            at_once: list[int | Problem] = job.served.index.count_batch(queries).tolist()
        except infgram.QueryError:
            pass
        else:
            return at_once
    return [_count_or_problem(job, None, token_ids) for token_ids in queries]


def _count_or_problem(job: Job, text: str | None, token_ids: list[int] | None) -> int | Problem:
    job.deadline.check()
    try:
        if text is not None and len(text) > job.limits.query_characters:
            raise ProblemError("limit_exceeded", errors=[exceeded("query", job.limits.query_characters, "characters")])
        query = token_ids_of(job.served, text, token_ids)
        if len(query) > job.limits.query_tokens:
            raise ProblemError("limit_exceeded", errors=[exceeded("query", job.limits.query_tokens, "tokens")])
        return job.served.index.count(query)
    except ProblemError as error:
        return error.problem
    except infgram.QueryError as error:
        return of_library(error).problem
