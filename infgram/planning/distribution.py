"""A distribution as its measured quantiles, from which can be drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from infgram.errors import QueryError

Floats = npt.NDArray[np.float64]

_GRID: Final = (0.0, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998)
_TAIL: Final = (0.999, 0.9995, 0.9998, 0.9999, 0.99995, 0.99999)
_LEAST_BEYOND: Final = 2  # samples above the last quantile that is kept
_TAIL_DECADE: Final = 10.0
_HEAVIEST: Final = 1.0  # exponent of the tail; above it a mean would not exist


@dataclass(frozen=True)
class Distribution:
    """Quantiles of a positive quantity.

    Between two of them the logarithm of the value is interpolated. Beyond the last one the tail is Pareto's: its
    exponent is that of the last tenfold step towards probability 1 that was measured.

    Attributes:
        probabilities: ascending, from 0 to less than 1.
        values: the quantile of each, above 0, not descending.
    """

    probabilities: tuple[float, ...]
    values: tuple[float, ...]

    def __post_init__(self) -> None:
        """Check.

        Raises:
            QueryError: these are no quantiles.
        """
        p, v = np.array(self.probabilities), np.array(self.values)
        if not (len(p) == len(v) > 0 and p[0] == 0 and p[-1] < 1 and v[0] > 0):
            raise QueryError("quantiles begin at probability 0, end below 1, and have a value above 0 for each")
        if (np.diff(p) <= 0).any() or (np.diff(v) < 0).any():
            raise QueryError("quantiles ascend")

    @classmethod
    def of(cls, samples: Sequence[float] | Floats) -> Distribution:
        """The quantiles that so many samples bear: at least two lie above the last.

        Raises:
            QueryError: there is no sample, or one is not above 0.
        """
        measured = np.asarray(samples, dtype=np.float64)
        if measured.size == 0:
            raise QueryError("there is no sample; expected at least one")
        tail = [p for p in (*_GRID[1:], *_TAIL) if (1 - p) * measured.size >= _LEAST_BEYOND]
        kept = (0.0, *tail)
        return cls(kept, tuple(float(f"{value:.5g}") for value in np.quantile(measured, kept)))

    @classmethod
    def constant(cls, value: float) -> Distribution:
        """Always the same value."""
        return cls((0.0, 0.5), (value, value))

    def at(self, probability: Floats | float) -> Floats:
        """The quantiles of probabilities from 0 to less than 1."""
        wanted = np.asarray(probability, dtype=np.float64)
        between = np.exp(np.interp(wanted, self.probabilities, np.log(self.values)))
        rest = 1 - self.probabilities[-1]
        return np.asarray(between * (rest / np.minimum(rest, 1 - wanted)) ** self.tail_exponent)

    def draw(self, random: np.random.Generator, shape: int | tuple[int, ...]) -> Floats:
        """Independent draws."""
        return self.at(random.random(shape))

    @property
    def tail_exponent(self) -> float:
        """By which power of 1 / (1 - p) the quantiles beyond the last one grow; 0 for a constant."""
        rest = 1 - self.probabilities[-1]
        before = max(0.0, 1 - _TAIL_DECADE * rest)
        earlier = float(np.exp(np.interp(before, self.probabilities, np.log(self.values))))
        decades = np.log((1 - before) / rest)
        return min(_HEAVIEST, float(np.log(self.values[-1] / earlier) / decades))
