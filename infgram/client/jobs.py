"""The job of a service that changes an index, and waiting for it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from infgram.arguments import instance, real
from infgram.client.problems import error_of
from infgram.errors import TimeLimitError
from infgram.reprs import ShortRepr
from infgram.types import BuildProgress

_FIRST_WAIT_S: Final = 0.05
_LONGEST_WAIT_S: Final = 2.0


@dataclass(frozen=True)
class Job(ShortRepr):
    """A change of an index by a service, as it was when the service was asked.

    Attributes:
        id: the name of the job, for `Client.job`.
        kind: `"add"`, `"delete"` or `"compact"`.
        status: `"queued"`, `"running"`, `"succeeded"` or `"failed"`.
        progress: the latest report; None before the first.
        result: once it has succeeded, the fields of an `Addition` (without `skipped`), a `Deletion` or a `Compaction`.
        error: the problem document of a job that has failed.
    """

    id: str
    kind: str
    status: str
    progress: BuildProgress | None = None
    result: Mapping[str, Any] | None = None
    error: Mapping[str, Any] | None = None


class Waiting:
    """The intervals at which a client asks for a job until it has ended."""

    def __init__(self, timeout_s: float | None) -> None:
        """Begin to wait.

        Args:
            timeout_s: the seconds to wait; None for as long as it takes.

        Raises:
            QueryError: the time is not a number of seconds.
        """
        limit_s = float("inf") if timeout_s is None else real(timeout_s, "timeout_s", low=0)
        self._ends, self._wait_s = time.monotonic() + limit_s, _FIRST_WAIT_S

    def next_s(self, job: Job) -> float | None:
        """Return the seconds until the next request; None if the job has succeeded.

        Raises:
            InfgramError: the job has failed.
            TimeLimitError: it takes too long; it goes on.
        """
        instance(job, "job", Job, "a job that a method of the client returned")
        if job.error is not None:
            raise error_of(job.error)
        if job.status == "succeeded":
            return None
        if time.monotonic() > self._ends:
            raise TimeLimitError(f"job {job.id} is still {job.status}; it goes on, so wait for it again")
        self._wait_s, wait_s = min(2 * self._wait_s, _LONGEST_WAIT_S), self._wait_s
        return wait_s
