"""Running averages: how each model has done in this document so far."""

from __future__ import annotations

from typing import Final

import numpy as np

from infgram.lm.positions import spans
from infgram.types import Float64Array, Int64Array

_BLOCK: Final = 128  # positions that one matrix product takes


def running_averages(values: Float64Array, document_starts: Int64Array, horizon: float) -> Float64Array:
    """For each position the decaying average of the rows before it in its document; 0 at the document's start.

    With a = 1 − 1/horizon, y[t + 1] = a · y[t] + (1 − a) · x[t] and y[first] = 0. The row at t never counts for t.

    Args:
        values: positions × columns.
        document_starts: as `PositionScores` has it.
        horizon: in positions, at least 1; 1 is the last row alone.

    Returns:
        positions × columns.
    """
    keep = 1.0 - 1.0 / horizon
    steps = np.arange(_BLOCK)
    behind = steps[:, None] - steps[None, :] - 1
    within = np.where(behind >= 0, (1.0 - keep) * keep ** np.maximum(behind, 0).astype(np.float64), 0.0)
    from_before = keep ** steps.astype(np.float64)
    averages = np.zeros_like(values)
    for begin, end in spans(document_starts):
        carried = np.zeros(values.shape[1])
        for first in range(begin, end, _BLOCK):
            rows = values[first : min(first + _BLOCK, end)]
            n = len(rows)
            averages[first : first + n] = within[:n, :n] @ rows + from_before[:n, None] * carried
            carried = keep * averages[first + n - 1] + (1.0 - keep) * rows[-1]
    return averages
