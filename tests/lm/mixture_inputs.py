"""Synthetic inputs of mixtures: scores and context counts without an index."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from infgram.lm import MixtureInputs, PositionScores, SuffixFeatures
from infgram.types import Float64Array, Int64Array

LENGTHS = (1, 2, 4)


def scores_of(probabilities: Float64Array, starts: Int64Array) -> PositionScores:
    """Return scores of a model that gives the tokens these probabilities."""
    with np.errstate(divide="ignore"):
        return PositionScores(np.log(probabilities), np.full(len(probabilities), np.nan), starts)


def suffixes_of(lengths: Int64Array, counts: Int64Array, n_distinct: Int64Array, starts: Int64Array) -> SuffixFeatures:
    """Return features of contexts with these longest suffixes, half of which are followed by the token."""
    rungs = np.stack([np.where(lengths >= length, counts, 0) for length in LENGTHS], axis=1)
    return SuffixFeatures(
        suffix_lengths=lengths,
        context_counts=counts,
        n_distinct=n_distinct,
        continuation_counts=counts // 2,
        top_counts=counts // 2,
        lengths=LENGTHS,
        fixed_context_counts=rungs,
        fixed_n_distinct=np.minimum(rungs, 1),
        fixed_continuation_counts=rungs,
        fixed_top_counts=rungs,
        document_starts=starts,
    )


def random_inputs(
    seed: int, *, sizes: tuple[int, ...] = (300, 0, 500, 1, 200, 400), n_models: int = 3
) -> MixtureInputs:
    """Return inputs whose best model depends on the suffix."""
    generator = np.random.default_rng(seed)
    starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    n = int(starts[-1])
    lengths = generator.integers(0, 40, n)
    counts = generator.integers(1, 1000, n)
    n_distinct = np.where(lengths > 20, 1, generator.integers(1, counts + 1))
    good = np.where(n_distinct == 1, 0, 1 + counts % max(1, n_models - 1))
    scores = {}
    for model in range(n_models):
        probabilities = generator.beta(1, 6, n)
        probabilities[good == model] = generator.beta(6, 1, int((good == model).sum()))
        if model == 0:
            probabilities[generator.random(n) < 0.2] = 0.0
        scores[f"model {model}"] = scores_of(probabilities, starts)
    which = {"which": good.astype(np.float64) + generator.normal(size=n) * 0.3}
    scores["model 0"] = replace(scores["model 0"], inputs=which)
    return MixtureInputs(scores, suffixes_of(lengths, counts, n_distinct, starts))
