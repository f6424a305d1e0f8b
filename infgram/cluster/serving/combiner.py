"""Combine concurrent queries of several threads into shared messages."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, Final

from infgram.cluster.serving.distributed_queries import DistributedQuery

_SENDERS: Final = 2
"""The maximum number of messages in flight: one is prepared while another is answered."""


class _Request:
    """The queries of one thread, and their answers or error."""

    def __init__(self, queries: Sequence[DistributedQuery[Any]]) -> None:
        self.queries = queries
        self.answers: list[Any] | None = None
        self.error: BaseException | None = None
        self.is_sent = False

    @property
    def is_done(self) -> bool:
        return self.answers is not None or self.error is not None


class Combiner:
    """Sends the queries of many threads together: the thread that sends includes all waiting queries.

    So a single thread never waits for others, and many threads share messages.
    """

    def __init__(self, run: Callable[[list[DistributedQuery[Any]]], list[Any]]) -> None:
        """Send queries with `run`; an error it raises applies to all of its queries."""
        self._run = run
        self._changed = threading.Condition()
        self._waiting: list[_Request] = []
        self._n_senders = 0

    def run(self, queries: Sequence[DistributedQuery[Any]]) -> list[Any]:
        """Return the answers to some queries. Thread-safe."""
        mine = _Request(queries)
        with self._changed:
            self._waiting.append(mine)
            while not mine.is_sent and self._n_senders == _SENDERS:
                self._changed.wait()
            batch = [] if mine.is_sent else self._take()
        if batch:
            self._send(batch)
        with self._changed:
            while not mine.is_done:
                self._changed.wait()
        if mine.error is not None:
            raise mine.error
        return mine.answers or []

    def _take(self) -> list[_Request]:
        """Become the sender of all waiting queries."""
        self._n_senders += 1
        taken, self._waiting = self._waiting, []
        for each in taken:
            each.is_sent = True
        return taken

    def _send(self, batch: list[_Request]) -> None:
        error: BaseException | None = None
        answers: list[Any] = []
        try:
            answers = self._run([query for each in batch for query in each.queries])
        except BaseException as raised:
            error = raised
            if not isinstance(raised, Exception):
                raise
        finally:
            given = iter(answers)
            with self._changed:
                for each in batch:
                    each.error = error
                    each.answers = None if error else [next(given) for _ in each.queries]
                self._n_senders -= 1
                self._changed.notify_all()
