"""From a question to token ids, checked before the engine runs; and batches, whose questions fail alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import Context, copy_context
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Final, TypeVar

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel

import infgram

from .batch_answers import Results
from .batches import Batch
from .dependencies import Asked
from .indexes import ServedIndex
from .limits import check, exceeded
from .problems import FieldError, Problem, ProblemError, of_library
from .questions import Question

_AT_A_TIME: Final = 64
"""Questions of a batch that are under way to other machines."""


@dataclass(frozen=True)
class Encoded:
    """The token ids of a question, as the engine takes them and as they are shown."""

    token_ids: npt.NDArray[np.int64]
    tokens: list[str | None] | None

    @property
    def ids(self) -> list[int]:
        """The token ids for JSON."""
        ids: list[int] = self.token_ids.tolist()
        return ids


def encode(asked: Asked, question: Question) -> Encoded:
    """The token ids of a question.

    Raises:
        ProblemError: the question exceeds a limit, holds an id outside the vocabulary, or is text where the index
            has no tokenizer.
    """
    check(question, asked.limits)
    return encoded(asked, token_ids_of(asked.served, question.query, question.token_ids))


def encoded(asked: Asked, token_ids: npt.NDArray[np.int64]) -> Encoded:
    """Token ids with what is shown of them.

    Raises:
        ProblemError: they are too many.
    """
    if len(token_ids) > asked.limits.query_tokens:
        raise ProblemError("limit_exceeded", errors=[exceeded("query", asked.limits.query_tokens, "tokens")])
    return Encoded(token_ids, asked.served.tokens(token_ids.tolist()))


def token_ids_of(served: ServedIndex, query: str | None, token_ids: Sequence[int] | None) -> npt.NDArray[np.int64]:
    """The token ids of a query, given as text or as such.

    Raises:
        ProblemError: there is no tokenizer for a text, or an id is outside the vocabulary.
    """
    if query is None:
        return _known_ids(served, token_ids or [])
    if not served.has_tokenizer:
        raise ProblemError("no_tokenizer")
    return served.index.tokenizer.encode(query)


@contextmanager
def as_text(question: Question) -> Iterator[str]:
    """The text of a question that is looked for by its characters; what is wrong with it becomes a problem.

    Raises:
        ProblemError: it is token ids, or the library cannot look for it.
    """
    if question.query is None:
        message = "Expected a query of text: token ids have no case, and are cut already"
        raise ProblemError("invalid_request", errors=[FieldError(loc=["body"], type="value_error", msg=message)])
    try:
        yield question.query
    except (infgram.QueryError, infgram.TokenizerError) as error:
        raise ProblemError("invalid_query") from error


def milliseconds_since(started: float) -> float:
    """Milliseconds since a reading of `perf_counter`, to a thousandth."""
    return round((perf_counter() - started) * 1000, 3)


A = TypeVar("A", bound=BaseModel)
Q = TypeVar("Q", bound=BaseModel)


def answer_each(
    asked: Asked, batch: Batch, answer: Callable[[Asked, Q], A], *, in_sum: tuple[str, int] | None = None
) -> Results[A]:
    """The answer to each question of a batch, or its problem in place; an index that fails altogether fails the batch.

    Args:
        asked: what answers.
        batch: the questions.
        answer: answers one.
        in_sum: a field of the questions, and the most that they may ask for together.

    Raises:
        ProblemError: the batch is too large.
    """
    check(batch, asked.limits)
    if in_sum is not None:
        _check_sum(batch, *in_sum)

    def result(item: Q | Problem) -> A | Problem:
        asked.work.check()
        return item if isinstance(item, Problem) else _answer_or_problem(asked, item, answer)

    return Results(map(result, batch.items) if asked.served.index.is_local else _together(result, batch.items))


def _together(result: Callable[[Any], A | Problem], items: Sequence[Any]) -> Iterator[A | Problem]:
    """The results in order, many made at a time: an index on other machines sends together what is asked at once."""
    context = copy_context()
    with ThreadPoolExecutor(_AT_A_TIME, initializer=_take_over, initargs=(context,)) as threads:
        yield from threads.map(result, items)


def _take_over(context: Context) -> None:
    """Whether partial answers are asked for, and whatever else the asking thread has said."""
    for variable, value in context.items():
        variable.set(value)


def _check_sum(batch: Batch, field: str, most: int) -> None:
    if sum(getattr(item, field) or 0 for item in batch.items if not isinstance(item, Problem)) > most:
        raise ProblemError("limit_exceeded", errors=[exceeded("items", most, f"in the sum of {field}")])


def _answer_or_problem(asked: Asked, question: Q, answer: Callable[[Asked, Q], A]) -> A | Problem:
    try:
        return answer(asked, question)
    except ProblemError as error:
        return error.problem
    except infgram.QueryError as error:
        return of_library(error).problem


def _known_ids(served: ServedIndex, token_ids: Sequence[int]) -> npt.NDArray[np.int64]:
    vocab_size = served.info["vocab_size"]
    unknown = next((place for place, token_id in enumerate(token_ids) if token_id >= vocab_size), None)
    if unknown is not None:
        raise ProblemError("token_out_of_vocabulary", errors=[out_of_vocabulary(vocab_size, "token_ids", unknown)])
    return np.array(token_ids, dtype=np.int64)


def out_of_vocabulary(vocab_size: int, *place: str | int) -> FieldError:
    """What is said of a token id that the index does not know."""
    loc = ["body", *map(str, place)]
    return FieldError(loc=loc, type="token_out_of_vocabulary", msg=f"Expected 0 to {vocab_size - 1}")
