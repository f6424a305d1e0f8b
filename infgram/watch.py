"""Long work watched: it says how far it is, and ends when its time is over."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import TypeAlias

from infgram.arguments import callback
from infgram.errors import QueryError, TimeLimitError
from infgram.types import BuildProgress

Progress: TypeAlias = Callable[[BuildProgress], None]
"""Called now and then, on the thread that asked, with the stage, what is done of it, and what there is to do."""


class Watch:
    """Stands beside one piece of work; its time begins when it is made."""

    def __init__(
        self, timeout_s: float | None = None, progress: Progress | None = None, *, advice: str = "or ask for less"
    ) -> None:
        """Begin.

        Args:
            timeout_s: seconds that the work may take; None for as long as it needs.
            progress: who wants to know.
            advice: what else to do when the time is over.

        Raises:
            QueryError: `timeout_s` is no positive number.
        """
        if timeout_s is not None and not _is_positive(timeout_s):
            raise QueryError(f"timeout_s is {timeout_s!r}; expected a positive number of seconds, or None for no limit")
        callback(progress, "progress")
        self._timeout_s, self._progress, self._advice = timeout_s, progress, advice
        self._began = time.monotonic()

    def report(self, stage: str, done: int, total: int, unit: str) -> None:
        """Say how far the work is; a `total` of 0 is unknown.

        Raises:
            TimeLimitError: its time is over.
        """
        if self._progress is not None:
            self._progress(BuildProgress(stage, done, total, unit))
        if self._timeout_s is not None and time.monotonic() - self._began > self._timeout_s:
            of_total = f" of {total:,}" if total else ""
            raise TimeLimitError(
                f"the time limit of {self._timeout_s:g} s was over at stage '{stage}', after {done:,}{of_total} "
                f"{unit}; allow more with timeout_s=… (--timeout), {self._advice}"
            )


def _is_positive(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and not math.isnan(value) and value > 0
