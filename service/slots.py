"""How many questions are answered at a time, and how many may wait for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
from fastapi import Request

from .problems import ProblemError


class Slots:
    """Places to answer in. Made and used on one event loop."""

    def __init__(self, n_running: int, n_waiting: int) -> None:
        self._running = anyio.CapacityLimiter(n_running)
        self._n_waiting = n_waiting

    @asynccontextmanager
    async def taken(self) -> AsyncIterator[None]:
        """Hold a place while a question is answered.

        Raises:
            ProblemError: all are taken, and too many wait already.
        """
        state = self._running.statistics()
        if state.borrowed_tokens >= state.total_tokens and state.tasks_waiting >= self._n_waiting:
            raise ProblemError("overloaded", headers={"Retry-After": "1"})
        async with self._running:
            yield


async def slot(request: Request) -> AsyncIterator[None]:
    """The dependency of every question."""
    slots: Slots = request.app.state.slots
    async with slots.taken():
        yield
