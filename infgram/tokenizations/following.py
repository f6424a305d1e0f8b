"""What follows a text, in whatever tokens it occurs."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from infgram.engine import Engine, Rows
from infgram.tokenizations.search import Spellings
from infgram.types import Int64Array


def tokens_after(engine: Engine, spellings: Iterable[Spellings], top_k: int | None) -> Rows:
    """The next tokens of all sequences that end where the text does, with their counts added up.

    Where a text's last token goes on behind it, no token is next.
    """
    after = [engine.next_tokens(tokens) for found in spellings for tokens in found.tokens[found.is_whole]]
    none = np.empty(0, dtype=np.int64)
    ids, places = np.unique(np.concatenate([none, *(rows[0] for rows in after)]), return_inverse=True)
    counts: Int64Array = np.zeros(len(ids), dtype=np.int64)
    np.add.at(counts, places, np.concatenate([none, *(rows[1] for rows in after)]))
    context_count, n_distinct = int(counts.sum()), len(ids)
    if top_k is not None:
        kept = np.lexsort((ids, -counts))[:top_k]
        ids, counts = ids[kept], counts[kept]
    return ids, counts, context_count, n_distinct
