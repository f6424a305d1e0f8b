"""Results of models: frozen dataclasses of NumPy arrays over the positions of a text.

Every token of a document but its first is a position, since no model predicts the first one. The positions of several
documents are concatenated in the order of the documents.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from infgram.reprs import ShortRepr
from infgram.tables import Columns, Table
from infgram.types import Float64Array, Int64Array


@dataclass(frozen=True)
class Guesses(ShortRepr):
    """Candidate tokens at each position, with a model's log-probabilities.

    Attributes:
        tokens: int32, positions × guesses; a neural model's most probable tokens, in descending order.
        log_probs: float32, positions × guesses, in nats; −inf for an impossible token.
    """

    tokens: npt.NDArray[np.int32]
    log_probs: npt.NDArray[np.float32]


@dataclass(frozen=True)
class PositionScores(Table):
    """A model's scores at each position of some documents.

    Attributes:
        log_probs: float64, in nats, of each position's token; −inf for an impossible token.
        entropies: float64, in nats, of the model's distribution at each position; NaN if not computed.
        document_starts: int64, n_documents + 1: the positions of document d are `[starts[d], starts[d + 1])`.
        guesses: candidate tokens with their log-probabilities; None if not computed.
        inputs: further inputs for a gate, by name: float64, one finite number per position, known before the token.
    """

    log_probs: Float64Array
    entropies: Float64Array
    document_starts: Int64Array
    guesses: Guesses | None = None
    inputs: Mapping[str, Float64Array] = field(default_factory=dict)

    @property
    def n_positions(self) -> int:
        """Number of positions."""
        return len(self.log_probs)

    @property
    def perplexity(self) -> float:
        """The exponential of the mean negative log-probability; inf if one is −inf, NaN without positions."""
        return float(np.exp(-np.mean(self.log_probs))) if self.n_positions else float("nan")

    def columns(self) -> Columns:
        """Return a row for each position: `document`, `log_prob` and `entropy` in nats, and the inputs by name."""
        scores = {"log_prob": self.log_probs, "entropy": self.entropies}
        return {"document": _documents(self.document_starts), **scores, **self.inputs}


@dataclass(frozen=True)
class SuffixFeatures(Table):
    """The index's counts of the context at each position, at its longest suffix and at some fixed lengths.

    Attributes:
        suffix_lengths: int64, tokens of the context's longest suffix that occurs in the index.
        context_counts: int64, occurrences of that suffix; `n_tokens + n_documents` for the empty one.
        n_distinct: int64, its distinct continuations.
        continuation_counts: int64, its occurrences that are followed by the position's token.
        top_counts: int64, its occurrences that are followed by its most frequent continuation.
        lengths: the fixed lengths, ascending.
        fixed_context_counts: `context_counts` at each length: int64, positions × lengths; 0 if it does not occur.
        fixed_n_distinct: `n_distinct` at each length: int64, positions × lengths.
        fixed_continuation_counts: `continuation_counts` at each length: int64, positions × lengths.
        fixed_top_counts: `top_counts` at each length: int64, positions × lengths.
        document_starts: int64, n_documents + 1: the positions of document d are `[starts[d], starts[d + 1])`.
    """

    suffix_lengths: Int64Array
    context_counts: Int64Array
    n_distinct: Int64Array
    continuation_counts: Int64Array
    top_counts: Int64Array
    lengths: tuple[int, ...]
    fixed_context_counts: Int64Array
    fixed_n_distinct: Int64Array
    fixed_continuation_counts: Int64Array
    fixed_top_counts: Int64Array
    document_starts: Int64Array

    def columns(self) -> Columns:
        """Return a row for each position, without the fixed lengths."""
        return {
            "document": _documents(self.document_starts),
            "suffix_length": self.suffix_lengths,
            "context_count": self.context_counts,
            "n_distinct": self.n_distinct,
            "continuation_count": self.continuation_counts,
            "top_count": self.top_counts,
        }


def _documents(document_starts: Int64Array) -> Int64Array:
    """Return the document of each position."""
    return np.repeat(np.arange(len(document_starts) - 1), np.diff(document_starts))
