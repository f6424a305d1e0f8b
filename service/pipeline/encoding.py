"""From a question to token ids, checked before the index is searched."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter

import numpy as np
import numpy.typing as npt

import infgram

from ..indexes import ServedIndex
from ..problems import FieldError, ProblemError
from ..schemas.fields import QueryRequest, check, exceeded
from .job import Job


@dataclass(frozen=True)
class Encoded:
    """The token ids of a question as an array for the index, and each token as text for the answer."""

    token_ids: npt.NDArray[np.int64]
    tokens: list[str | None] | None

    @property
    def ids(self) -> list[int]:
        """The token ids for JSON."""
        ids: list[int] = self.token_ids.tolist()
        return ids


def encode(job: Job, question: QueryRequest) -> Encoded:
    """Return the token ids of a question.

    Raises:
        ProblemError: the question exceeds a limit, contains an id outside the vocabulary, or is text and the index
            has no tokenizer.
    """
    check(question, job.limits)
    return encoded(job, token_ids_of(job.served, question.query, question.token_ids))


def encoded(job: Job, token_ids: npt.NDArray[np.int64]) -> Encoded:
    """Return token ids together with the text of each.

    Raises:
        ProblemError: there are more of them than the limit.
    """
    if len(token_ids) > job.limits.query_tokens:
        raise ProblemError("limit_exceeded", errors=[exceeded("query", job.limits.query_tokens, "tokens")])
    return Encoded(token_ids, job.served.tokens(token_ids.tolist()))


def token_ids_of(served: ServedIndex, query: str | None, token_ids: Sequence[int] | None) -> npt.NDArray[np.int64]:
    """Return the token ids of a query that is given as text or, if `query` is None, as token ids.

    Raises:
        ProblemError: the index has no tokenizer for a text, or an id is outside the vocabulary.
    """
    if query is None:
        return _checked_ids(served, token_ids or [])
    if not served.has_tokenizer:
        raise ProblemError("no_tokenizer")
    return served.index.tokenizer.encode(query)


@contextmanager
def as_text(question: QueryRequest) -> Iterator[str]:
    """Give the text of a question that is searched as a string; errors of the library become problems.

    Raises:
        ProblemError: the question is token ids, or the library cannot search for its text.
    """
    if question.query is None:
        message = "Expected a query of text: ignore_case, any_tokenization and readings do not apply to token ids"
        raise ProblemError("invalid_request", errors=[FieldError(loc=["body"], type="value_error", msg=message)])
    try:
        yield question.query
    except (infgram.QueryError, infgram.TokenizerError) as error:
        raise ProblemError("invalid_query") from error


def milliseconds_since(started: float) -> float:
    """Return the milliseconds since a reading of `perf_counter`, to three decimals."""
    return round((perf_counter() - started) * 1000, 3)


def out_of_vocabulary(vocab_size: int, *loc: str | int) -> FieldError:
    """Return the error of a field with a token id outside the vocabulary."""
    return FieldError(
        loc=["body", *map(str, loc)], type="token_out_of_vocabulary", msg=f"Expected 0 to {vocab_size - 1}"
    )


def _checked_ids(served: ServedIndex, token_ids: Sequence[int]) -> npt.NDArray[np.int64]:
    vocab_size = served.info["vocab_size"]
    unknown = next((n for n, token_id in enumerate(token_ids) if token_id >= vocab_size), None)
    if unknown is not None:
        raise ProblemError("token_out_of_vocabulary", errors=[out_of_vocabulary(vocab_size, "token_ids", unknown)])
    return np.array(token_ids, dtype=np.int64)
