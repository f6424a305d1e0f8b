"""What models and features return: frozen values holding NumPy arrays over the positions of a text.

A position is every token of a document but its first, which no model predicts. Positions of several documents stand
one after the other, in the order of the documents.
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
    """Other tokens at each position, and what a model gives them.

    Attributes:
        tokens: int32, positions × guesses; a neural model's are those that it holds likeliest, the first most of all.
        log_probs: float32 nats, likewise; −inf where the model says that the token cannot come.
    """

    tokens: npt.NDArray[np.int32]
    log_probs: npt.NDArray[np.float32]


@dataclass(frozen=True)
class PositionScores(Table):
    """What a model gives each position of some documents.

    Attributes:
        log_probs: float64 nats; −inf where the model says that the token cannot come.
        entropies: float64 nats, of the model's whole distribution at the position; NaN unless they were asked for.
        document_starts: int64, one more than documents: those of document d are `[starts[d], starts[d + 1])`.
        guesses: what the model gives other tokens there; None unless it was asked.
        inputs: what a gate may look at to weigh this model: columns by name, one finite number a position, each known
            before the token is.
    """

    log_probs: Float64Array
    entropies: Float64Array
    document_starts: Int64Array
    guesses: Guesses | None = None
    inputs: Mapping[str, Float64Array] = field(default_factory=dict)

    @property
    def n_positions(self) -> int:
        """Positions of all documents."""
        return len(self.log_probs)

    @property
    def perplexity(self) -> float:
        """The exponential of the mean negative log-probability; inf where one is −inf, NaN without a position."""
        return float(np.exp(-np.mean(self.log_probs))) if self.n_positions else float("nan")

    def columns(self) -> Columns:
        """A row for each position: `document`, `log_prob` and `entropy` in nats, and the inputs by name."""
        scores = {"log_prob": self.log_probs, "entropy": self.entropies}
        return {"document": _documents(self.document_starts), **scores, **self.inputs}


@dataclass(frozen=True)
class SuffixFeatures(Table):
    """What the index knows of each position of some documents: the context's longest suffix and a ladder of lengths.

    Attributes:
        suffix_lengths: int64, tokens of the longest suffix of the context that occurs.
        context_counts: int64, its occurrences; `n_tokens + n_documents` for the empty one.
        n_distinct: int64, different continuations of it.
        continuation_counts: int64, of its occurrences those that the position's token follows.
        likeliest_counts: int64, of its occurrences those that its most frequent continuation follows.
        lengths: the ladder's lengths, ascending.
        ladder_context_counts: int64, a row a position and a column a length; 0 where that suffix does not occur.
        ladder_n_distinct: likewise.
        ladder_continuation_counts: likewise.
        ladder_likeliest_counts: likewise.
        document_starts: int64, one more than documents: those of document d are `[starts[d], starts[d + 1])`.
    """

    suffix_lengths: Int64Array
    context_counts: Int64Array
    n_distinct: Int64Array
    continuation_counts: Int64Array
    likeliest_counts: Int64Array
    lengths: tuple[int, ...]
    ladder_context_counts: Int64Array
    ladder_n_distinct: Int64Array
    ladder_continuation_counts: Int64Array
    ladder_likeliest_counts: Int64Array
    document_starts: Int64Array

    def columns(self) -> Columns:
        """A row for each position, without the ladder."""
        return {
            "document": _documents(self.document_starts),
            "suffix_length": self.suffix_lengths,
            "context_count": self.context_counts,
            "n_distinct": self.n_distinct,
            "continuation_count": self.continuation_counts,
            "likeliest_count": self.likeliest_counts,
        }


def _documents(document_starts: Int64Array) -> Int64Array:
    """The document of each position."""
    return np.repeat(np.arange(len(document_starts) - 1), np.diff(document_starts))
