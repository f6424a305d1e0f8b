"""Language models over an index, and their interpolation with each other and with neural models.

Neural models are in `infgram.lm.transformers`, which needs the extra `lm`.
"""

from __future__ import annotations

from infgram.lm.mixing.document_cache import CacheScores, DocumentCache
from infgram.lm.mixing.interpolator import ClassGain, Interpolator
from infgram.lm.mixing.log_linear import log_linear
from infgram.lm.mixing.mixture_inputs import MixtureInputs
from infgram.lm.models.contexts import LADDER, suffix_features, survey
from infgram.lm.models.infgram_lm import InfgramLM, ModelSession, Smoothing, evaluate_models
from infgram.lm.models.jelinek_mercer import jelinek_mercer_weights
from infgram.lm.types import Guesses, PositionScores, SuffixFeatures

__all__ = [
    "LADDER",
    "CacheScores",
    "ClassGain",
    "DocumentCache",
    "Guesses",
    "InfgramLM",
    "Interpolator",
    "MixtureInputs",
    "ModelSession",
    "PositionScores",
    "Smoothing",
    "SuffixFeatures",
    "evaluate_models",
    "jelinek_mercer_weights",
    "log_linear",
    "suffix_features",
    "survey",
]
