"""One query being answered: the index, the slot and the time limit that it holds until it is done."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from time import monotonic, sleep
from typing import Final

import infgram

from ..indexes import ServedIndex
from ..problems import ProblemError
from ..runtime import Runtime
from ..settings import Limits, Settings

PAUSE_EVERY_S: Final = 0.002
PAUSE_S: Final = 0.00005
"""Long enough for another thread to wake up and take the interpreter's lock."""


class Deadline:
    """The time limit of one answer, checked between the steps of a long computation, in a thread of the pool.

    A computation that often calls the core often releases the interpreter's lock, but takes it back before the event
    loop has woken up, and each release restarts the interval after which Python would give the lock to the event loop.
    So `check` pauses at intervals.

    Args:
        timeout_s: seconds from now until the answer is given up.
    """

    def __init__(self, timeout_s: float) -> None:
        now = monotonic()
        self._ends = now + timeout_s
        self._pauses = now + PAUSE_EVERY_S
        self._is_cancelled = False

    @property
    def remaining_s(self) -> float:
        """Seconds left; always above 0."""
        return max(0.001, self._ends - monotonic())

    def cancel(self) -> None:
        """Make the next `check` fail, because the client has gone away."""
        self._is_cancelled = True

    def check(self) -> None:
        """Raise if the computation should stop, and let other threads run.

        Raises:
            ProblemError: the time limit was exceeded, or the job was cancelled.
        """
        now = monotonic()
        if self._is_cancelled or now > self._ends:
            raise ProblemError("timeout")
        if now > self._pauses:
            sleep(PAUSE_S)
            self._pauses = monotonic() + PAUSE_EVERY_S


@dataclass(frozen=True)
class Job:
    """What the function of a route needs: the index, the settings and limits, and the deadline."""

    served: ServedIndex
    settings: Settings
    limits: Limits
    deadline: Deadline

    def for_stream(self) -> Job:
        """Return the same job with the wider limits of an answer that is sent line by line."""
        return replace(self, limits=self.limits.of_streams())


@dataclass(frozen=True)
class Lease:
    """A slot and an index, held until `release`."""

    runtime: Runtime
    job: Job

    def release(self, error: BaseException | None = None) -> None:
        """Return the slot and the index; `error` is what the job ended with. A damaged index is marked as such."""
        if isinstance(error, infgram.IndexDamagedError):
            self.job.served.is_damaged = True
        self.runtime.indexes.release(self.job.served)
        self.runtime.slots.release()


def get_index(runtime: Runtime, name: str) -> ServedIndex:
    """Return the index now served under a name.

    Raises:
        ProblemError: no index has this name, or it is damaged.
    """
    served = runtime.indexes.get(name)
    if served is None:
        raise ProblemError("unknown_index")
    if served.is_damaged:
        raise ProblemError("index_damaged", served.damage)
    return served


async def acquire(runtime: Runtime, name: str, deadline: Deadline) -> Lease:
    """Acquire a slot, then the index now served under a name; the caller must `release` them.

    Raises:
        ProblemError: all slots are taken; no index has this name; it is damaged.
    """
    get_index(runtime, name)
    await runtime.slots.acquire()
    served = runtime.indexes.acquire(name)
    return Lease(runtime, Job(served, runtime.settings, runtime.settings.limits, deadline))


@asynccontextmanager
async def running_job(runtime: Runtime, name: str, deadline: Deadline) -> AsyncIterator[Job]:
    """`acquire` at the beginning of a `with` block, `release` at its end."""
    lease = await acquire(runtime, name, deadline)
    try:
        yield lease.job
    except BaseException as error:
        lease.release(error)
        raise
    lease.release()
