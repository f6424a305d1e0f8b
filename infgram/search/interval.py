"""The confidence interval of a sampled share."""

from __future__ import annotations

import math
from typing import Final

CONFIDENCE: Final = 0.95


def share_interval(n_hits: int, n_drawn: int) -> tuple[float, float]:
    """Return the Clopper–Pearson interval of a share with a confidence of at least 95%.

    See Clopper and Pearson, "The use of confidence or fiducial limits", Biometrika 26, 1934. The confidence holds for
    every share; sampling without replacement only increases it.

    Args:
        n_hits: the hits among the draws, from 0 to `n_drawn`.
        n_drawn: the number of draws, at least 1.
    """
    tail = (1 - CONFIDENCE) / 2
    low = 0.0 if n_hits == 0 else _solve(tail, n_hits, n_drawn - n_hits + 1)
    high = 1.0 if n_hits == n_drawn else _solve(1 - tail, n_hits + 1, n_drawn - n_hits)
    return low, high


def _solve(probability: float, a: float, b: float) -> float:
    """Return the quantile of the beta distribution at a probability, by bisection."""
    low, high = 0.0, 1.0
    while (middle := (low + high) / 2) not in (low, high):
        if _beta_cdf(middle, a, b) < probability:
            low = middle
        else:
            high = middle
    return low if probability < 0.5 else high


def _beta_cdf(x: float, a: float, b: float) -> float:
    """Return the regularized incomplete beta function I_x(a, b), 0 < x < 1."""
    if x > (a + 1) / (a + b + 2):  # the continued fraction would converge slowly
        return 1 - _beta_cdf(1 - x, b, a)
    log_front = a * math.log(x) + b * math.log1p(-x) - math.lgamma(a) - math.lgamma(b) + math.lgamma(a + b)
    return math.exp(log_front) / (a * _continued_fraction(x, a, b))


def _continued_fraction(x: float, a: float, b: float) -> float:
    """Evaluate DLMF 8.17.22 by Lentz's method (Thompson and Barnett, J. Comput. Phys. 64, 1986)."""
    tiny, value, c, d, step = 1e-300, 1.0, 1.0, 0.0, 0
    while True:
        step += 1
        m = step // 2
        if step % 2:
            numerator = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            numerator = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d = 1 / (1 + numerator * d or tiny)
        c = 1 + numerator / c or tiny
        value *= c * d
        if abs(c * d - 1) < 1e-14:
            return value
