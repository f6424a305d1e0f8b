"""Whether answers find their part of an index in memory, so that the event loop itself may give them."""

from __future__ import annotations

import resource
from time import monotonic
from typing import Final

CALM_S: Final = 1.0
"""After an answer that waited for the disk, the others are given by threads for so long."""

_WHO: Final = getattr(resource, "RUSAGE_THREAD", resource.RUSAGE_SELF)


class Disk:
    """What the kernel says of the event loop's own reads. Used on one event loop."""

    def __init__(self) -> None:
        self._n_waits = _waits()
        self._calm_from = 0.0

    @property
    def is_calm(self) -> bool:
        """Whether the last answers did not wait for it."""
        return monotonic() >= self._calm_from

    def look(self) -> None:
        """An answer has been given on the event loop."""
        n_waits = _waits()
        if n_waits != self._n_waits:
            self._n_waits, self._calm_from = n_waits, monotonic() + CALM_S


def _waits() -> int:
    """Page faults for which the disk was read."""
    return resource.getrusage(_WHO).ru_majflt
