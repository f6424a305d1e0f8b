"""The models of an index, and of the document itself, on a text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from infgram.index import Index
from infgram.lm.evaluation.mixtures import CACHE, INFGRAM, KNESER_NEY, KNESER_NEY_5, LOG_LINEAR, NEURAL, WITTEN_BELL
from infgram.lm.evaluation.texts import EvaluationText
from infgram.lm.mixing.document_cache import DocumentCache
from infgram.lm.mixing.evidence import Evidence
from infgram.lm.mixing.log_linear import log_linear
from infgram.lm.mixing.suffix_features import suffix_features
from infgram.lm.models.contexts import survey
from infgram.lm.models.infgram_lm import InfgramLM, evaluate_models
from infgram.lm.types import PositionScores

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
    return Evidence({**scores, CACHE: cache}, suffixes)
