"""How many questions are answered at a time, and how many may wait for it."""

from __future__ import annotations

import asyncio

from .problems import ProblemError

RETRY_AFTER_S = 1


class Slots:
    """Places to answer in. Made and used on one event loop."""

    def __init__(self, n_running: int, n_waiting: int) -> None:
        self._free = asyncio.Semaphore(n_running)
        self._most_waiting = n_waiting
        self._n_waiting = 0

    async def take(self) -> None:
        """Wait for a place; `give_back` must follow.

        Raises:
            ProblemError: all are taken, and too many wait already.
        """
        if self._free.locked() and self._n_waiting >= self._most_waiting:
            raise ProblemError("overloaded", headers={"Retry-After": str(RETRY_AFTER_S)})
        self._n_waiting += 1
        try:
            await self._free.acquire()
        finally:
            self._n_waiting -= 1

    def give_back(self) -> None:
        """Leave the place to the next one."""
        self._free.release()
