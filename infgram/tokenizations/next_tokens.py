"""The next tokens after a text in any tokenization."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from infgram.engine import Engine, Rows
from infgram.tokenizations.spellings import Spellings
from infgram.types import Int64Array


def tokens_after(engine: Engine, spellings: Iterable[Spellings], top_k: int | None) -> Rows:
    """Return the next tokens after all sequences that end where the text ends, with their counts summed.

    Sequences whose last token extends beyond the text have no next token and do not contribute.
    """
    after = [engine.next_tokens(tokens) for batch in spellings for tokens in batch.tokens[batch.is_whole]]
    empty = np.empty(0, dtype=np.int64)
    ids, positions = np.unique(np.concatenate([empty, *(rows[0] for rows in after)]), return_inverse=True)
    counts: Int64Array = np.zeros(len(ids), dtype=np.int64)
    np.add.at(counts, positions, np.concatenate([empty, *(rows[1] for rows in after)]))
    context_count, n_distinct = int(counts.sum()), len(ids)
    if top_k is not None:
        top = np.lexsort((ids, -counts))[:top_k]
        ids, counts = ids[top], counts[top]
    return ids, counts, context_count, n_distinct
