"""What an interpolator makes of one context: the weights of its models for the token that comes next."""

from __future__ import annotations

import numpy as np

from infgram.arguments import instance
from infgram.errors import QueryError
from infgram.index import Index
from infgram.lm.mixing.evidence import Evidence
from infgram.lm.mixing.interpolator import Interpolator
from infgram.lm.types import PositionScores, SuffixFeatures
from infgram.types import Float64Array, Query


def check_next_token(interpolator: Interpolator) -> None:
    """Whether it can weigh a single context.

    Raises:
        TypeError: it is no interpolator.
        QueryError: it is a gate, which needs to know how the models have done so far.
    """
    instance(interpolator, "interpolator", Interpolator, "an Interpolator: fitted, or Interpolator.fixed")
    if interpolator.by == "gate":
        raise QueryError("a gate cannot be used while generating; fit the weights by 'class'")


def next_token_weights(index: Index, interpolator: Interpolator, context: Query) -> Float64Array:
    """The weight of each of the interpolator's models, by the counts of the context's longest suffix."""
    found = index.infgram_distribution(context, top_k=0)
    starts, none = np.array([0, 1]), np.zeros((1, 0), dtype=np.int64)
    unknown = PositionScores(np.zeros(1), np.full(1, np.nan), starts)
    suffixes = SuffixFeatures(
        suffix_lengths=np.array([found.suffix_length]),
        context_counts=np.array([found.context_count]),
        n_distinct=np.array([found.n_distinct]),
        continuation_counts=np.zeros(1, dtype=np.int64),
        likeliest_counts=np.zeros(1, dtype=np.int64),
        lengths=(),
        ladder_context_counts=none,
        ladder_n_distinct=none,
        ladder_continuation_counts=none,
        ladder_likeliest_counts=none,
        document_starts=starts,
    )
    weights: Float64Array = interpolator.weights(Evidence(dict.fromkeys(interpolator.models, unknown), suffixes))[0]
    return weights
