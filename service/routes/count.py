"""How often something occurs."""

from __future__ import annotations

from dataclasses import asdict
from time import perf_counter

import infgram

from ..answering import question_router
from ..answers import CountAnswer, CountsAnswer, Readings
from ..asking import answer_each, as_text, encode, milliseconds_since, token_ids_of
from ..batch_answers import CountBatchAnswer, Results
from ..batches import CountBatch
from ..dependencies import Asked, AskedIndex
from ..limits import check, exceeded
from ..problems import Problem, ProblemError, of_library
from ..questions import CountQuestion, CountsQuestion

router = question_router("count")


@router.post("/count", operation_id="count", summary="Count the occurrences of a text")
def count(asked: AskedIndex, question: CountQuestion) -> CountAnswer:
    """Exact occurrences of a text or of token ids; the empty query counts all tokens."""
    started = perf_counter()
    query = encode(asked, question)
    if question.is_in_characters or question.readings:
        n, readings = _of_characters(asked, question)
    else:
        n, readings = asked.served.index.count(query.token_ids), None
    return CountAnswer(
        token_ids=query.ids, tokens=query.tokens, count=n, readings=readings, elapsed_ms=milliseconds_since(started)
    )


@router.post("/count/batch", operation_id="count_batch", summary="Count several texts", response_model=CountBatchAnswer)
def count_batch(asked: AskedIndex, batch: CountBatch) -> Results[CountAnswer]:
    """`count` for each question; one that fails has its problem in its place."""
    return answer_each(asked, batch, count)


@router.post("/counts", operation_id="counts", summary="The counts of many texts, and nothing else")
def counts(asked: AskedIndex, question: CountsQuestion) -> CountsAnswer:
    """The counts of up to a whole batch of queries in one search: the way to count a lot."""
    started = perf_counter()
    check(question, asked.limits)
    if question.token_ids is not None:
        found = _all_counts(asked, question.token_ids)
    else:
        found = [_count_or_problem(asked, text, None) for text in question.queries or []]
    return CountsAnswer(
        counts=[None if isinstance(each, Problem) else each for each in found],
        errors={place: each for place, each in enumerate(found) if isinstance(each, Problem)},
        elapsed_ms=milliseconds_since(started),
    )


def _of_characters(asked: Asked, question: CountQuestion) -> tuple[int, Readings | None]:
    """The count of a text, which token ids are not, and its readings if they are asked for."""
    index = asked.served.index
    with as_text(question) as text:
        n = index.count(text, ignore_case=question.ignore_case, any_tokenization=question.any_tokenization)
        return n, Readings.model_validate(asdict(index.readings(text))) if question.readings else None


def _all_counts(asked: Asked, queries: list[list[int]]) -> list[int | Problem]:
    """In one search where each query can be asked, which is soon known; else one by one."""
    if max(map(len, queries), default=0) <= asked.limits.query_tokens:
        try:
            at_once: list[int | Problem] = asked.served.index.count_batch(queries).tolist()
        except infgram.QueryError:
            pass
        else:
            return at_once
    return [_count_or_problem(asked, None, token_ids) for token_ids in queries]


def _count_or_problem(asked: Asked, text: str | None, token_ids: list[int] | None) -> int | Problem:
    asked.work.check()
    try:
        if text is not None and len(text) > asked.limits.query_characters:
            raise ProblemError(
                "limit_exceeded", errors=[exceeded("query", asked.limits.query_characters, "characters")]
            )
        query = token_ids_of(asked.served, text, token_ids)
        if len(query) > asked.limits.query_tokens:
            raise ProblemError("limit_exceeded", errors=[exceeded("query", asked.limits.query_tokens, "tokens")])
        return asked.served.index.count(query)
    except ProblemError as error:
        return error.problem
    except infgram.QueryError as error:
        return of_library(error).problem
