"""From a question to token ids, checked before the engine runs; and batches, whose questions fail alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import TypeVar

import numpy as np
import numpy.typing as npt

import infgram

from .indexes import ServedIndex
from .limits import check, exceeded
from .problems import FieldError, Problem, ProblemError, of_library
from .questions import Question
from .settings import Limits


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


def encode(served: ServedIndex, question: Question, limits: Limits) -> Encoded:
    """The token ids of a question.

    Raises:
        ProblemError: the question exceeds a limit, holds an id outside the vocabulary, or is text where the index
            has no tokenizer.
    """
    check(question, limits)
    token_ids = _encode_text(served, question.query) if question.query is not None else _known_ids(served, question)
    if len(token_ids) > limits.query_tokens:
        raise ProblemError("limit_exceeded", errors=[exceeded("query", limits.query_tokens, "tokens")])
    return Encoded(token_ids, served.tokens(token_ids.tolist()))


def milliseconds_since(started: float) -> float:
    """Milliseconds since a reading of `perf_counter`, to a thousandth."""
    return round((perf_counter() - started) * 1000, 3)


A = TypeVar("A")
Q = TypeVar("Q", bound=Question)


def answer_each(items: Sequence[Q | Problem], answer: Callable[[Q], A]) -> list[A | Problem]:
    """The answer to each question, or its problem in place; an index that fails altogether fails the batch."""
    return [item if isinstance(item, Problem) else _answer_or_problem(item, answer) for item in items]


def check_sum(items: Sequence[Q | Problem], field: str, most: int) -> None:
    """Refuse a batch whose questions together ask for too much.

    Raises:
        ProblemError: the sum of `field` over the questions is above `most`.
    """
    if sum(getattr(item, field) for item in items if not isinstance(item, Problem)) > most:
        raise ProblemError("limit_exceeded", errors=[exceeded("items", most, f"in the sum of {field}")])


def _answer_or_problem(question: Q, answer: Callable[[Q], A]) -> A | Problem:
    try:
        return answer(question)
    except ProblemError as error:
        return error.problem
    except infgram.QueryError as error:
        return of_library(error).problem


def _encode_text(served: ServedIndex, text: str) -> npt.NDArray[np.int64]:
    if not served.has_tokenizer:
        raise ProblemError("no_tokenizer")
    return served.index.tokenizer.encode(text)


def _known_ids(served: ServedIndex, question: Question) -> npt.NDArray[np.int64]:
    token_ids, vocab_size = question.token_ids or [], served.index.vocab_size
    unknown = next((place for place, token_id in enumerate(token_ids) if token_id >= vocab_size), None)
    if unknown is not None:
        message = f"Expected 0 to {vocab_size - 1}"
        error = FieldError(loc=["body", "token_ids", str(unknown)], type="token_out_of_vocabulary", msg=message)
        raise ProblemError("token_out_of_vocabulary", errors=[error])
    return np.array(token_ids, dtype=np.int64)
