"""How many requests a second each asker may make: one token bucket each, a second's worth deep."""

from __future__ import annotations

import math
from collections import OrderedDict
from time import monotonic
from typing import Final

MOST_ASKERS: Final = 10_000
"""Those longest unheard of are forgotten first; by then their buckets are full."""


class Rates:
    """Buckets by asker. Used on one event loop."""

    def __init__(self) -> None:
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # requests left, at a time

    def wait_s(self, asker: str, requests_per_s: float) -> int:
        """Take one request from an asker's bucket: 0, or the whole seconds to wait if it is empty."""
        now = monotonic()
        depth = max(1.0, requests_per_s)
        left, at = self._buckets.pop(asker, (depth, now))
        left = min(depth, left + (now - at) * requests_per_s)
        self._buckets[asker] = (left - 1 if left >= 1 else left, now)
        if len(self._buckets) > MOST_ASKERS:
            self._buckets.popitem(last=False)
        return 0 if left >= 1 else math.ceil((1 - left) / requests_per_s)
