"""The models and mixtures that an evaluation compares, and the inputs of the mixtures on a text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import numpy as np

from infgram.index import Index
from infgram.lm.evaluation.texts import EvaluationText
from infgram.lm.mixing.document_cache import DocumentCache
from infgram.lm.mixing.interpolator import By
from infgram.lm.mixing.log_linear import log_linear
from infgram.lm.mixing.mixture_inputs import MixtureInputs
from infgram.lm.models.contexts import suffix_features, survey
from infgram.lm.models.infgram_lm import InfgramLM, evaluate_models
from infgram.lm.types import PositionScores

NEURAL: Final = "neural"
INFGRAM: Final = "infgram"
KNESER_NEY: Final = "kneser_ney"
KNESER_NEY_5: Final = "kneser_ney_5"
WITTEN_BELL: Final = "witten_bell"
LOG_LINEAR: Final = "log_linear"
CACHE: Final = "cache"

MODEL_TITLES: Final = {
    NEURAL: "Neural model",
    INFGRAM: "∞-gram",
    KNESER_NEY: "Kneser–Ney, all lengths",
    KNESER_NEY_5: "Kneser–Ney, 5-gram",
    WITTEN_BELL: "Witten–Bell, all lengths",
    LOG_LINEAR: "Neural model and Kneser–Ney, log-linear",
    CACHE: "Document cache",
}

_ALL: Final = (NEURAL, INFGRAM, KNESER_NEY, KNESER_NEY_5, WITTEN_BELL)
_GATED: Final = (*_ALL, LOG_LINEAR)


_WITH_ENTROPIES: Final = (INFGRAM, KNESER_NEY)


class Mixture(NamedTuple):
    """An interpolation of models that the evaluation fits and measures.

    Attributes:
        name: key in the results.
        title: name in reports.
        by: what the weights depend on, as for `Interpolator.fit`.
        models: names of the models, in the order of the weights.
    """

    name: str
    title: str
    by: By
    models: tuple[str, ...]


PAPER: Final = Mixture("paper", "∞-gram, the paper’s rule", "sparse", (NEURAL, INFGRAM))
"""The infini-gram paper's weights, for sparse contexts and the others; all later mixtures are compared with it."""

MIXTURES: Final = (
    PAPER,
    Mixture("kn5", "Kneser–Ney 5-gram, one weight", "one", (NEURAL, KNESER_NEY_5)),
    Mixture("smoothed", "Kneser–Ney over all lengths, one weight", "one", (NEURAL, KNESER_NEY)),
    Mixture("classes", "All models of the index, by class", "class", _ALL),
    Mixture("classes_cache", "All models and the cache, by class", "class", (*_ALL, CACHE)),
    Mixture("gated_index", "All models of the index, gate", "gate", _GATED),
    Mixture("gated", "All models and the cache, gate", "gate", (*_GATED, CACHE)),
)


def possible_mixtures(models: Sequence[str]) -> list[Mixture]:
    """Return the mixtures that the given models allow; classes and gates use those of their models that are given."""
    possible = []
    for mixture in MIXTURES:
        present = tuple(name for name in mixture.models if name in models)
        if len(present) == len(mixture.models) or (mixture.by in ("class", "gate") and len(present) > 1):
            possible.append(mixture._replace(models=present))
    return possible


def index_models(index: Index, end_token: int | None, progress: Callable[[int, int], None]) -> dict[str, InfgramLM]:
    """Return the models of an index that an evaluation compares, by name."""
    survey(index, progress=progress)
    return {
        INFGRAM: InfgramLM(index, end_token=end_token),
        KNESER_NEY: InfgramLM(index, "kneser_ney", end_token=end_token),
        KNESER_NEY_5: InfgramLM(index, "kneser_ney", n=5, end_token=end_token),
        WITTEN_BELL: InfgramLM(index, "witten_bell", end_token=end_token),
    }


def index_inputs(
    index: Index,
    models: dict[str, InfgramLM],
    text: EvaluationText,
    neural: PositionScores | None,
    progress: Callable[[int, int], None],
) -> MixtureInputs:
    """Evaluate the models of an index and the document cache on a text; the neural model's scores come first."""
    n_passes = 3  # models, suffix features, cache

    def report(n_before: int) -> Callable[[int], None]:
        return lambda n_done: progress(n_before * text.n_positions + n_done, n_passes * text.n_positions)

    scores = {} if neural is None else {NEURAL: neural}
    guesses = {KNESER_NEY: neural.guesses.tokens} if neural is not None and neural.guesses is not None else {}
    scores.update(
        evaluate_models(models, text.documents, entropies=_WITH_ENTROPIES, guesses=guesses, progress=report(0))
    )
    suffixes = suffix_features(index, text.documents, progress=report(1))
    cache = DocumentCache(index.vocab_size).evaluate(text.documents)
    report(2)(text.n_positions)
    if neural is not None and guesses:
        tokens = np.concatenate([document[1:] for document in text.documents])
        scores[LOG_LINEAR] = log_linear(neural, scores[KNESER_NEY], tokens)
    return MixtureInputs({**scores, CACHE: cache}, suffixes)
