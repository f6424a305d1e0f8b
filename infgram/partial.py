"""Answers without the shards that cannot be reached, for those who ask for them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from infgram.reprs import ShortRepr

_asked_for: ContextVar[PartialAnswers | None] = ContextVar("infgram-partial-answers", default=None)


class PartialAnswers(ShortRepr):
    """Which shards the answers do without.

    Attributes:
        missing_shards: their numbers, ascending; none if all answers are whole.
    """

    _repr_fields = ("missing_shards",)

    def __init__(self) -> None:
        self.missing_shards: tuple[int, ...] = ()
        self._lock = threading.Lock()

    def miss(self, shards: range) -> None:
        """Some shards cannot be reached."""
        with self._lock:
            self.missing_shards = tuple(sorted({*self.missing_shards, *shards}))


@contextmanager
def partial_answers() -> Iterator[PartialAnswers]:
    """In this block an index that is spread over machines answers from the shards that can be reached.

    Counts are then those of the rest of the corpus: lower bounds, exact for the shards that answered. Without such a
    block a question raises `ShardUnavailableError`. An index on this machine is always whole.

    Yields:
        What is missing, of all the questions asked in the block so far, on this thread or task.

    Examples:
        >>> import infgram, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with infgram.build_from_tokens([[1, 2]], f"{folder}/x", vocab_size=5) as index:
        ...         with infgram.partial_answers() as partial:
        ...             index.count([1]), partial.missing_shards
        (1, ())
    """
    partial = PartialAnswers()
    token = _asked_for.set(partial)
    try:
        yield partial
    finally:
        _asked_for.reset(token)


def asked_for() -> PartialAnswers | None:
    """The innermost block; None outside of all."""
    return _asked_for.get()
