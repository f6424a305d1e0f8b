"""Evaluation of models and their mixtures on text: perplexity, agreement, calibration."""

from __future__ import annotations

from infgram.lm.evaluation.evaluate import evaluate
from infgram.lm.evaluation.results import Evaluation, Result
from infgram.lm.evaluation.texts import EvaluationText, read_text

__all__ = ["Evaluation", "EvaluationText", "Result", "evaluate", "read_text"]
