"""How far a figure would move with other documents of the same kind."""

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
    """From `low` to `high`, 95%."""

    low: float
    high: float


def document_losses(log_probs: Float64Array, document_starts: Int64Array) -> Float64Array:
    """The loss of each document in nats."""
    n_documents = len(document_starts) - 1
    losses = np.bincount(document_of(document_starts), weights=-log_probs, minlength=n_documents)
    return losses.astype(np.float64)


def perplexity_interval(losses: Float64Array, n_positions: Float64Array) -> Interval:
    """The perplexity's interval over documents drawn with replacement (Efron 1979; percentiles).

    Where a loss is infinite, so is the interval.

    Args:
        losses: of each document, nats.
        n_positions: of each document.
    """
    if not np.isfinite(losses).all():
        return Interval(math.inf, math.inf)
    drawn = _draws(len(losses))
    return _interval(np.exp(_ratio(drawn @ losses, drawn @ n_positions)))


def change_interval(losses: Float64Array, base: Float64Array, n_positions: Float64Array) -> Interval:
    """Of the relative change of perplexity against other losses of the same documents, drawn together: −0.1 is −10%."""
    if not (np.isfinite(losses) & np.isfinite(base)).all():
        return Interval(math.nan, math.nan)
    drawn = _draws(len(losses))
    return _interval(np.expm1(_ratio(drawn @ (losses - base), drawn @ n_positions)))


def _draws(n_documents: int) -> npt.NDArray[np.float64]:
    """Resamples × documents: how often each was drawn."""
    generator = np.random.default_rng(_SEED)
    return generator.multinomial(n_documents, np.full(n_documents, 1 / n_documents), RESAMPLES).astype(np.float64)


def _ratio(losses: Float64Array, n_positions: Float64Array) -> Float64Array:
    drawn = n_positions > 0  # a draw of empty documents alone says nothing
    return np.asarray(losses[drawn] / n_positions[drawn])


def _interval(values: Float64Array) -> Interval:
    tail = (1 - _CONFIDENCE) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    return Interval(float(low), float(high))
