"""Progress reports and time limits of long-running work."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from functools import partial
from typing import TypeAlias

from infgram.arguments import callback
from infgram.errors import QueryError, TimeLimitError
from infgram.types import BuildProgress

Progress: TypeAlias = Callable[[BuildProgress], None]
"""A callback with the progress of the current stage, called from time to time on the caller's thread."""


class Watch:
    """Reports the progress of one operation and enforces its time limit, which starts when this object is created."""

    def __init__(
        self, timeout_s: float | None = None, progress: Progress | None = None, *, advice: str = "or ask for less"
    ) -> None:
        """Start the clock.

        Args:
            timeout_s: the time limit in seconds; None for no limit.
            progress: the callback for progress.
            advice: the alternative that the error message suggests.

        Raises:
            QueryError: `timeout_s` is not a positive number.
        """
        if timeout_s is not None and not _is_positive(timeout_s):
            raise QueryError(f"timeout_s is {timeout_s!r}; expected a positive number of seconds, or None for no limit")
        callback(progress, "progress")
        self._timeout_s, self._progress, self._advice = timeout_s, progress, advice
        self._began = time.monotonic()

    def poll(self, stage: str, unit: str) -> Callable[[int], None]:
        """Return a callback that reports the progress of a stage with an unknown total."""
        return partial(self.report, stage, total=0, unit=unit)

    def report(self, stage: str, done: int, total: int, unit: str) -> None:
        """Report progress; a `total` of 0 means unknown.

        Raises:
            TimeLimitError: the time limit is exceeded.
        """
        if self._progress is not None:
            self._progress(BuildProgress(stage, done, total, unit))
        if self._timeout_s is not None and time.monotonic() - self._began > self._timeout_s:
            of_total = f" of {total:,}" if total else ""
            raise TimeLimitError(
                f"the time limit of {self._timeout_s:g} s was exceeded at stage '{stage}', after {done:,}{of_total} "
                f"{unit}; increase it with timeout_s=… (--timeout), {self._advice}"
            )


def _is_positive(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and not math.isnan(value) and value > 0
