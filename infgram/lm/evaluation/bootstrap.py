"""Bootstrap confidence intervals over documents (Efron 1979, percentile method)."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from infgram.lm.positions import document_of
from infgram.types import Float64Array, Int64Array

RESAMPLES: Final = 2000
_CONFIDENCE: Final = 0.95
_SEED: Final = 0


class Interval(NamedTuple):
    """A 95% confidence interval."""

    low: float
    high: float


def document_losses(log_probs: Float64Array, document_starts: Int64Array) -> Float64Array:
    """Return the total loss of each document: float64, in nats."""
    n_documents = len(document_starts) - 1
    losses = np.bincount(document_of(document_starts), weights=-log_probs, minlength=n_documents)
    return losses.astype(np.float64)


def perplexity_interval(losses: Float64Array, n_positions: Float64Array) -> Interval:
    """Return the interval of the perplexity over documents drawn with replacement; infinite if a loss is.

    Args:
        losses: float64, the loss of each document in nats.
        n_positions: float64, the positions of each document.
    """
    if not np.isfinite(losses).all():
        return Interval(math.inf, math.inf)
    draws = _draws(len(losses))
    return _interval(np.exp(_ratio(draws @ losses, draws @ n_positions)))


def change_interval(losses: Float64Array, base: Float64Array, n_positions: Float64Array) -> Interval:
    """Return the interval of the relative change of perplexity from `base` to `losses`: −0.1 is a reduction by 10%.

    Documents are drawn for both together. NaN if a loss is infinite.
    """
    if not (np.isfinite(losses) & np.isfinite(base)).all():
        return Interval(math.nan, math.nan)
    draws = _draws(len(losses))
    return _interval(np.expm1(_ratio(draws @ (losses - base), draws @ n_positions)))


def _draws(n_documents: int) -> npt.NDArray[np.float64]:
    """Return the number of times each document is drawn: float64, resamples × documents."""
    generator = np.random.default_rng(_SEED)
    return generator.multinomial(n_documents, np.full(n_documents, 1 / n_documents), RESAMPLES).astype(np.float64)


def _ratio(losses: Float64Array, n_positions: Float64Array) -> Float64Array:
    has_positions = n_positions > 0  # ignore draws of empty documents alone
    return np.asarray(losses[has_positions] / n_positions[has_positions])


def _interval(values: Float64Array) -> Interval:
    tail = (1 - _CONFIDENCE) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    return Interval(float(low), float(high))
