"""The registration of a question: one decorator makes its route, its batch route and their schemas.

Example:
    ::

        router = QuestionRouter("count")

        @router.question("/count", summary="…", batch_summary="…")
        def count(job: JobDep, question: CountRequest) -> CountResponse: ...
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context, copy_context
from typing import Any, Final, TypeVar, get_type_hints

from fastapi import APIRouter
from pydantic import BaseModel

import infgram

from ..dependencies import JobDep
from ..problems import Problem, ProblemError, of_library, refusals
from ..schemas.batch import Batch, Results, batch_answer_of, batch_of
from ..schemas.fields import check, exceeded
from .dispatch import QueryRoute
from .job import Job

A = TypeVar("A", bound=BaseModel)
Q = TypeVar("Q", bound=BaseModel)

_MAX_CONCURRENT: Final = 64
"""Items of a batch that are sent to other machines at the same time."""


class QuestionRouter(APIRouter):
    """A router for the questions of an index; its routes are `QueryRoute`s."""

    def __init__(self, tag: str) -> None:
        super().__init__(route_class=QueryRoute, tags=[tag], responses=refusals(401, 404, 413, 422, 429, 503))

    def question(
        self, path: str, *, summary: str, batch_summary: str, batch_sum: tuple[str, str] | None = None
    ) -> Callable[[Callable[[Job, Q], A]], Callable[[Job, Q], A]]:
        """Register a function as the answer to `POST path` and, for each item of a batch, to `POST path/batch`.

        The function's name is the operation id; its annotations give the schemas of request and answer. Answers as
        JSON lines and the OpenAPI document need nothing else.

        Args:
            path: below the address of the index.
            summary: the heading of the route in the OpenAPI document.
            batch_summary: the heading of the batch route.
            batch_sum: a field of the question, and the limit on its sum over a batch.
        """

        def register(answer: Callable[[Job, Q], A]) -> Callable[[Job, Q], A]:
            name, hints = answer.__name__, get_type_hints(answer)

            def answer_batch(job: Job, batch: Batch[Q]) -> Results[A]:
                return answer_each(job, batch, answer, batch_sum=batch_sum)

            answer_batch.__doc__ = f"`{name}` for each item; the problem of one that fails takes its place."
            answer_batch.__annotations__ = {"job": JobDep, "batch": batch_of(hints["question"]), "return": Results[Any]}
            self.post(path, operation_id=name, summary=summary)(answer)
            self.post(
                f"{path}/batch",
                operation_id=f"{name}_batch",
                summary=batch_summary,
                response_model=batch_answer_of(hints["return"]),
            )(answer_batch)
            return answer

        return register


def answer_each(
    job: Job, batch: Batch[Q], answer: Callable[[Job, Q], A], *, batch_sum: tuple[str, str] | None = None
) -> Results[A]:
    """Answer each item of a batch; the problem of an item that fails takes the place of its answer.

    An error of the index itself fails the whole batch.

    Args:
        job: the index and the limits.
        batch: the items.
        answer: answers one item.
        batch_sum: a field of the items, and the limit on its sum.

    Raises:
        ProblemError: the batch exceeds a limit.
    """
    check(batch, job.limits)
    if batch_sum is not None:
        _check_sum(batch, batch_sum[0], getattr(job.limits, batch_sum[1]))

    def result(item: Q | Problem) -> A | Problem:
        job.deadline.check()
        return item if isinstance(item, Problem) else _answer_or_problem(job, item, answer)

    return Results(map(result, batch.items) if job.served.index.is_local else _concurrently(result, batch.items))


def _concurrently(result: Callable[[Any], A | Problem], items: Sequence[Any]) -> Iterator[A | Problem]:
    """Yield the results in order, computing many at a time: an index on other machines merges concurrent queries."""
    context = copy_context()
    with ThreadPoolExecutor(_MAX_CONCURRENT, initializer=_copy_variables, initargs=(context,)) as threads:
        yield from threads.map(result, items)


def _copy_variables(context: Context) -> None:
    """Set this thread's context variables, such as whether partial answers are allowed, as the caller has them."""
    for variable, value in context.items():
        variable.set(value)


def _check_sum(batch: Batch[Any], field: str, limit: int) -> None:
    if sum(getattr(item, field) or 0 for item in batch.items if not isinstance(item, Problem)) > limit:
        raise ProblemError("limit_exceeded", errors=[exceeded("items", limit, f"in the sum of {field}")])


def _answer_or_problem(job: Job, question: Q, answer: Callable[[Job, Q], A]) -> A | Problem:
    try:
        return answer(job, question)
    except ProblemError as error:
        return error.problem
    except infgram.QueryError as error:
        return of_library(error).problem
