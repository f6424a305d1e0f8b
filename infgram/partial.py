"""Partial answers: queries to a distributed index continue without unreachable shards, on request."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from infgram.reprs import ShortRepr

_innermost: ContextVar[PartialAnswers | None] = ContextVar("infgram-partial-answers", default=None)


class PartialAnswers(ShortRepr):
    """The shards that are missing from the answers.

    Attributes:
        missing_shards: the shard numbers, ascending; empty if all answers are complete.
    """

    _repr_fields = ("missing_shards",)

    def __init__(self) -> None:
        self.missing_shards: tuple[int, ...] = ()
        self._lock = threading.Lock()

    def add_missing(self, shards: range) -> None:
        """Record shards that cannot be reached."""
        with self._lock:
            self.missing_shards = tuple(sorted({*self.missing_shards, *shards}))


@contextmanager
def partial_answers() -> Iterator[PartialAnswers]:
    """Answer queries to a distributed index from the reachable shards, inside the `with` block.

    Counts are then exact for the shards that answered, and lower bounds for the corpus. Outside such a block a query
    raises `ShardUnavailableError`. A local index is always complete.

    Yields:
        The shards that are missing from any answer in the block so far, in this thread or task.

    Examples:
        >>> import infgram, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with infgram.build_from_tokens([[1, 2]], f"{folder}/x", vocab_size=5) as index:
        ...         with infgram.partial_answers() as partial:
        ...             index.count([1]), partial.missing_shards
        (1, ())
    """
    partial = PartialAnswers()
    token = _innermost.set(partial)
    try:
        yield partial
    finally:
        _innermost.reset(token)


def current_partial_answers() -> PartialAnswers | None:
    """Return the record of the innermost block; None outside of all blocks."""
    return _innermost.get()
