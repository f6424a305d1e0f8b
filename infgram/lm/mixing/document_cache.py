"""Document cache: an n-gram model of the preceding part of the same document.

After Kuhn and De Mori (1990), "A cache-based natural language model for speech recognition", with contexts of up to
`order` tokens and Witten–Bell smoothing (Witten and Bell 1991).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from infgram.arguments import at_least
from infgram.lm.positions import checked_documents, checked_token_ids, document_starts
from infgram.lm.types import PositionScores
from infgram.reprs import ShortRepr
from infgram.types import Float64Array, Int64Array


@dataclass(frozen=True)
class CacheScores(PositionScores):
    """Scores of the cache, with its counts of each context.

    Attributes:
        context_counts: int64, positions × (order + 1): column k counts the earlier occurrences of the last k tokens in
            the document that are followed by a token; column 0 is the number of preceding tokens.
        n_distinct: int64, positions × (order + 1): the distinct tokens that followed these occurrences.
    """

    context_counts: Int64Array = field(kw_only=True)
    n_distinct: Int64Array = field(kw_only=True)


class DocumentCache(ShortRepr):
    """An n-gram model of the preceding tokens of the document, which starts empty for each document.

    Let the last k tokens have c(k) earlier occurrences in the document, followed by d(k) distinct tokens, and c(k, w)
    times by token w. Then p(w, k) = (c(k, w) + d(k) · p(w, k − 1)) / (c(k) + d(k)) if c(k) > 0, else p(w, k − 1), with
    p(w, −1) = 1 / vocab_size. Probabilities sum to one over the vocabulary; the end of a document has none.

    Args:
        vocab_size: token ids are 0 to `vocab_size - 1`.
        order: maximum number of context tokens.
    """

    _repr_fields = ("vocab_size", "order")

    def __init__(self, vocab_size: int, *, order: int = 4) -> None:
        self.vocab_size = at_least(vocab_size, 1, "vocab_size")
        self.order = at_least(order, 0, "order")

    def evaluate(self, documents: Sequence[Int64Array]) -> CacheScores:
        """Score every token but the first of each document. O(order · n log n) for n tokens; entropies are NaN.

        Raises:
            QueryError: a token id is outside the vocabulary.
        """
        documents = checked_documents(documents, self.vocab_size)
        tokens = np.concatenate([np.empty(0, dtype=np.int64), *documents])
        lengths = [len(document) for document in documents]
        offsets = np.concatenate([np.empty(0, dtype=np.int64), *map(np.arange, lengths)]).astype(np.int64)
        contexts = np.repeat(np.arange(len(lengths)), lengths)
        probabilities = np.full(len(tokens), 1.0 / self.vocab_size)
        counts, distinct = [], []
        for length in range(self.order + 1):
            inside = offsets >= length
            if length:
                before = np.where(inside, np.roll(tokens, length), self.vocab_size)
                contexts = _pair_numbers(contexts, before, self.vocab_size + 1)
            count, n_after, followed = _seen_before(contexts, _pair_numbers(contexts, tokens, self.vocab_size))
            count, n_after = inside * count, inside * n_after
            smoothed = (followed + n_after * probabilities) / np.maximum(count + n_after, 1)
            probabilities = np.where(count > 0, smoothed, probabilities)
            counts.append(count)
            distinct.append(n_after)
        scored = offsets > 0
        context_counts, n_distinct = np.stack(counts, axis=1)[scored], np.stack(distinct, axis=1)[scored]
        return CacheScores(
            log_probs=np.log(probabilities[scored]),
            entropies=np.full(int(scored.sum()), np.nan),
            document_starts=document_starts(documents),
            inputs=_inputs(context_counts, n_distinct),
            context_counts=context_counts,
            n_distinct=n_distinct,
        )

    def distribution(self, context: Sequence[int]) -> Float64Array:
        """Return the probability of each token id after a document's tokens: float64. O(order · len(context))."""
        tokens = checked_token_ids(context, "context", self.vocab_size)
        probabilities: Float64Array = np.full(self.vocab_size, 1.0 / self.vocab_size)
        for length in range(min(self.order, len(tokens) - 1) + 1):
            windows = np.lib.stride_tricks.sliding_window_view(tokens, length + 1)
            same = (windows[:, :length] == tokens[len(tokens) - length :]).all(axis=1)
            counts = np.bincount(windows[same, length], minlength=self.vocab_size)
            n_distinct = np.count_nonzero(counts)
            if n_distinct:
                probabilities = np.asarray((counts + n_distinct * probabilities) / (counts.sum() + n_distinct))
        return probabilities


def _inputs(context_counts: Int64Array, n_distinct: Int64Array) -> dict[str, Float64Array]:
    """Return inputs for a gate: the counts of the contexts of one token and more."""
    columns = {}
    for length in range(1, context_counts.shape[1]):
        columns[f"cache count {length}"] = np.log1p(context_counts[:, length])
        columns[f"cache distinct {length}"] = n_distinct[:, length] / np.maximum(context_counts[:, length], 1)
    return columns


def _pair_numbers(left: Int64Array, right: Int64Array, n_right: int) -> Int64Array:
    """Number the distinct pairs: int64, below the number of pairs."""
    return np.asarray(np.unique(left * n_right + right, return_inverse=True)[1], dtype=np.int64)


def _seen_before(contexts: Int64Array, pairs: Int64Array) -> tuple[Int64Array, Int64Array, Int64Array]:
    """Count, for each offset, earlier offsets with its context, distinct pairs there, and offsets with its pair."""
    followed, _, _ = _earlier(pairs)
    count, order, first = _earlier(contexts)
    is_new = (followed == 0)[order].astype(np.int64)
    new_before = np.cumsum(is_new) - is_new
    n_distinct = np.empty_like(count)
    n_distinct[order] = new_before - new_before[first]
    return count, n_distinct, followed


def _earlier(keys: Int64Array) -> tuple[Int64Array, Int64Array, Int64Array]:
    """Return the number of earlier offsets with the same key, the offsets sorted by key, and where each run begins."""
    order = np.argsort(keys, kind="stable")
    indices = np.arange(len(keys))
    begins = np.concatenate([[True], keys[order][1:] != keys[order][:-1]])[: len(keys)]
    first = np.maximum.accumulate(np.where(begins, indices, 0))
    earlier = np.empty_like(indices)
    earlier[order] = indices - first
    return earlier, order, first
