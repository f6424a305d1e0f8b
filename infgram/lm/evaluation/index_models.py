"""The models of an index, and of the document itself, on a text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from infgram.index import Index
from infgram.lm.cache import CacheScores, DocumentCache
from infgram.lm.contexts import survey
from infgram.lm.evaluation.mixtures import CACHE, INFGRAM, KNESER_NEY, KNESER_NEY_5, NEURAL, WITTEN_BELL
from infgram.lm.evaluation.texts import EvaluationText
from infgram.lm.evidence import Evidence
from infgram.lm.features import suffix_features
from infgram.lm.model import InfgramLM, evaluate_models
from infgram.lm.types import PositionScores
from infgram.types import Float64Array

_WITH_ENTROPIES: Final = (INFGRAM, KNESER_NEY)


def index_models(index: Index, end_token: int | None, progress: Callable[[int, int], None]) -> dict[str, InfgramLM]:
    """The models that an evaluation compares, by name."""
    survey(index, progress=progress)
    return {
        INFGRAM: InfgramLM(index, end_token=end_token),
        KNESER_NEY: InfgramLM(index, "kneser_ney", end_token=end_token),
        KNESER_NEY_5: InfgramLM(index, "kneser_ney", n=5, end_token=end_token),
        WITTEN_BELL: InfgramLM(index, "witten_bell", end_token=end_token),
    }


def index_evidence(
    index: Index,
    models: dict[str, InfgramLM],
    text: EvaluationText,
    neural: PositionScores | None,
    progress: Callable[[int, int], None],
) -> Evidence:
    """What all of them say of a text, with the neural model's scores first."""
    n_passes = 3  # the models together, the suffixes, the cache

    def report(n_before: int) -> Callable[[int], None]:
        return lambda n_done: progress(n_before * text.n_positions + n_done, n_passes * text.n_positions)

    scores = {} if neural is None else {NEURAL: neural}
    scores.update(evaluate_models(models, text.documents, entropies=_WITH_ENTROPIES, progress=report(0)))
    suffixes = suffix_features(index, text.documents, progress=report(1))
    cache = DocumentCache(index.vocab_size).evaluate(text.documents)
    report(2)(text.n_positions)
    return Evidence({**scores, CACHE: cache}, suffixes, cache_inputs(cache))


def cache_inputs(cache: CacheScores) -> dict[str, Float64Array]:
    """What the gate sees of the cache: the counts of the contexts of each length but none."""
    columns = {}
    for length in range(1, cache.context_counts.shape[1]):
        counts, n_distinct = cache.context_counts[:, length], cache.n_distinct[:, length]
        columns[f"cache count {length}"] = np.log1p(counts)
        columns[f"cache distinct {length}"] = n_distinct / np.maximum(counts, 1)
    return columns
