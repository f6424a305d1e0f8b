"""Validation positions in parts: what is fitted on all but one of them is judged on that one."""

from __future__ import annotations

from typing import Final

import numpy as np

from infgram.types import Int64Array

N_PARTS: Final = 3


def parts_of(document_starts: Int64Array) -> Int64Array:
    """The part of each position, from 0 on: parts are whole documents, about equally large together.

    Where a document is larger than a part is to be, every document is cut in parts.
    """
    sizes = np.diff(document_starts)
    n_positions = int(sizes.sum())
    if n_positions and N_PARTS * sizes.max() > n_positions:
        return np.concatenate([np.arange(size) * N_PARTS // max(1, size) for size in sizes.tolist()])
    parts = np.zeros(len(sizes), dtype=np.int64)
    n_in_part = np.zeros(N_PARTS, dtype=np.int64)
    for document in np.argsort(-sizes, kind="stable").tolist():
        parts[document] = n_in_part.argmin()
        n_in_part[parts[document]] += sizes[document]
    return np.repeat(parts, sizes)
