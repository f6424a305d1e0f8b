"""One answer under way: how long it may take, and whether anybody still waits for it."""

from __future__ import annotations

from time import monotonic

from .problems import ProblemError


class Work:
    """Asked between two steps of a long answer, on whatever thread makes it.

    Args:
        timeout_s: seconds from now after which the answer is given up.
    """

    def __init__(self, timeout_s: float) -> None:
        self._ends = monotonic() + timeout_s
        self._is_abandoned = False

    @property
    def remaining_s(self) -> float:
        """Seconds left, above 0."""
        return max(0.001, self._ends - monotonic())

    def abandon(self) -> None:
        """Nobody waits any more: the next `check` ends the work."""
        self._is_abandoned = True

    def check(self) -> None:
        """Go on, or stop.

        Raises:
            ProblemError: the time is over, or nobody waits.
        """
        if self._is_abandoned or monotonic() > self._ends:
            raise ProblemError("timeout")
