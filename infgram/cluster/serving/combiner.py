"""Combine concurrent queries of several threads into shared messages."""

from __future__ import annotations

import os
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


class _Queue:
    """The requests of the threads of one process."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.waiting: list[_Request] = []
        self.n_senders = 0

    def take(self) -> list[_Request]:
        """Become the sender of all waiting queries."""
        self.n_senders += 1
        taken, self.waiting = self.waiting, []
        for each in taken:
            each.is_sent = True
        return taken


class Combiner:
    """Sends the queries of many threads together: the thread that sends includes all waiting queries.

    So a single thread never waits for others, and many threads share messages. Can be used after a fork: the child does
    not wait for threads of its parent.
    """

    def __init__(self, run: Callable[[list[DistributedQuery[Any]]], list[Any]]) -> None:
        """Send queries with `run`; an error it raises applies to all of its queries."""
        self._run = run
        self._made = os.getpid(), _Queue()

    def run(self, queries: Sequence[DistributedQuery[Any]]) -> list[Any]:
        """Return the answers to some queries. Thread-safe."""
        mine, queue = _Request(queries), self._queue
        with queue.changed:
            queue.waiting.append(mine)
            while not mine.is_sent and queue.n_senders == _SENDERS:
                queue.changed.wait()
            batch = [] if mine.is_sent else queue.take()
        if batch:
            self._send(batch, queue)
        with queue.changed:
            while not mine.is_done:
                queue.changed.wait()
        if mine.error is not None:
            raise mine.error
        return mine.answers or []

    @property
    def _queue(self) -> _Queue:
        """The queue of this process."""
        if self._made[0] != os.getpid():
            self._made = os.getpid(), _Queue()
        return self._made[1]

    def _send(self, batch: list[_Request], queue: _Queue) -> None:
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
            with queue.changed:
                for each in batch:
                    each.error = error
                    each.answers = None if error else [next(given) for _ in each.queries]
                queue.n_senders -= 1
                queue.changed.notify_all()
