"""Validation positions in two: those that parameters are fitted on, and those that say when to stop."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from infgram.lm.positions import spans
from infgram.types import Int64Array

_FEWEST_DOCUMENTS: Final = 4
_SHARE: Final = 0.25


def held_out(document_starts: Int64Array, seed: int) -> npt.NDArray[np.bool_]:
    """About a quarter of the positions: whole documents, drawn at random; of very few documents, the last parts."""
    n_positions = int(document_starts[-1])
    ranges = [(begin, end) for begin, end in spans(document_starts) if end > begin]
    held = np.zeros(n_positions, dtype=np.bool_)
    if len(ranges) >= _FEWEST_DOCUMENTS:
        n_held = 0
        for number in np.random.default_rng(seed).permutation(len(ranges)).tolist():
            begin, end = ranges[number]
            if n_held + end - begin <= _SHARE * n_positions:
                held[begin:end] = True
                n_held += end - begin
    if not held.any():
        for begin, end in ranges:
            held[end - int((end - begin) * _SHARE) : end] = True
    return held
