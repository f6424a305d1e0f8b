"""The evaluation: fit weights on one text, and measure models and mixtures on another."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from infgram.arguments import checked_seed, instance, text as checked_text, text_or_none
from infgram.index import Index, checked_index
from infgram.lm.evaluation.bootstrap import change_interval, document_losses, perplexity_interval
from infgram.lm.evaluation.compared_models import (
    MODEL_TITLES,
    PAPER,
    index_inputs,
    index_models,
    possible_mixtures,
)
from infgram.lm.evaluation.measures import agreement, calibration, near_copies
from infgram.lm.evaluation.results import Evaluation, Result
from infgram.lm.evaluation.texts import EvaluationText, shared_documents
from infgram.lm.mixing.interpolator import Interpolator
from infgram.lm.mixing.mixture_inputs import MixtureInputs
from infgram.lm.models.contexts import suffix_features
from infgram.lm.models.infgram_lm import InfgramLM
from infgram.lm.types import PositionScores
from infgram.types import Float64Array, Int64Array
from infgram.watch import Progress, Watch

FAR_TOKENS: Final = 32
"""A position may be in a near copy if the last `FAR_TOKENS` tokens of its context occur in the corpus."""

_LARGEST_EXPONENT: Final = 700.0


class Evaluates(Protocol):
    """A model with the method `evaluate` of `TransformersLM`."""

    def evaluate(
        self, documents: Sequence[Int64Array], *, progress: Callable[[int, int], None] | None = None
    ) -> PositionScores:
        """Score every token of each document but its first."""


def evaluate(
    index: Index,
    text: EvaluationText,
    *,
    tune: EvaluationText | None = None,
    neural: Evaluates | None = None,
    text_name: str = "text",
    neural_name: str | None = None,
    end_token: int | None = None,
    seed: int = 0,
    timeout_s: float | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Evaluate the models of an index, a neural model, and mixtures of them on a text.

    Args:
        index: an open index of the training corpus.
        text: the test text; nothing is fitted on it.
        tune: a validation text of the same kind, on which the weights of mixtures are fitted; None for no mixtures.
        neural: a model with the index's token ids.
        text_name: name of the text in reports.
        neural_name: name of the neural model in reports.
        end_token: id of the end-of-text token of the text or the neural model.
        seed: of fitting.
        timeout_s: time limit in seconds; None for no limit.
        progress: called with the stage (`"survey"`, `"neural"`, `"index"`, `"fit"`), and its finished and total work.

    Raises:
        TimeLimitError: `timeout_s` was exceeded.
        QueryError: every model gives every token of `tune` probability 0.
    """
    checked_index(index)
    for name, given in (("text", text), ("tune", text if tune is None else tune)):
        instance(given, name, EvaluationText, "an EvaluationText, as infgram.lm.evaluation.read_text returns")
    if neural is not None and not hasattr(neural, "evaluate"):
        raise TypeError(f"neural is of type {type(neural).__name__}; expected a TransformersLM or similar")
    checked_text(text_name, "text_name")
    text_or_none(neural_name, "neural_name")
    checked_seed(seed)
    clock = _Clock(Watch(timeout_s, progress, advice="or evaluate less of the texts with max_tokens (--max-tokens)"))
    with clock.stage("survey") as report:
        models = index_models(index, end_token, report)
    tuning = None if tune is None else _inputs(index, models, tune, neural, clock)
    measured = _inputs(index, models, text, neural, clock)
    suffixes = measured.suffixes or suffix_features(index, text.documents)
    measurements = _Measurements(measured, suffixes.suffix_lengths < FAR_TOKENS)
    return Evaluation(
        index=", ".join(map(os.fspath, index.paths)),
        text=text_name,
        neural_model=None if neural is None else neural_name,
        n_tokens=index.n_tokens,
        n_documents=len(text.documents),
        n_positions=text.n_positions,
        n_bytes=text.n_bytes,
        n_words=text.n_words,
        n_positions_without_near_copies=int(measurements.far.sum()),
        models=tuple(
            measurements.result(name, MODEL_TITLES[name], of.log_probs) for name, of in measured.scores.items()
        ),
        mixtures=() if tuning is None else tuple(_mixtures(tuning, measured, measurements, seed, clock)),
        agreement=agreement(suffixes),
        calibration={name: rows for name, of in measured.scores.items() if (rows := calibration(of))},
        near_copies={text.names[copy.document]: copy.share for copy in near_copies(suffixes)},
        elapsed_s=dict(clock.elapsed_s),
        n_tuned=0 if tune is None else shared_documents(text, tune),
    )


class _Clock:
    """Measures the time of each stage."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self.elapsed_s: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str, unit: str = "tokens") -> Iterator[Callable[[int, int], None]]:
        """Time a stage: yield the `progress` callback for its work."""
        began = time.perf_counter()
        yield lambda done, total: self._watch.report(name, done, total, unit)
        self.elapsed_s[name] = self.elapsed_s.get(name, 0.0) + time.perf_counter() - began


class _Measurements:
    """Computes results from log-probabilities of the measured text."""

    def __init__(self, measured: MixtureInputs, far: npt.NDArray[np.bool_]) -> None:
        self.far = far
        self._starts = measured.document_starts
        self._sizes = np.diff(self._starts).astype(np.float64)
        self._paper: Float64Array | None = None

    def result(self, name: str, title: str, log_probs: Float64Array) -> Result:
        """Return the result of a model or mixture; results after the paper's rule are compared with it."""
        losses = document_losses(log_probs, self._starts)
        if name == PAPER.name:
            self._paper = losses
        base = self._paper
        far = log_probs[self.far]
        return Result(
            name=name,
            title=title,
            perplexity=_perplexity(log_probs),
            interval=perplexity_interval(losses, self._sizes),
            impossible_share=float(np.isneginf(log_probs).mean()),
            perplexity_without_near_copies=_perplexity(far),
            change=None if base is None else float(np.expm1((losses - base).sum() / self._sizes.sum())),
            change_interval=None if base is None else change_interval(losses, base, self._sizes),
        )


def _inputs(
    index: Index, models: dict[str, InfgramLM], text: EvaluationText, neural: Evaluates | None, clock: _Clock
) -> MixtureInputs:
    scores = None
    if neural is not None:
        with clock.stage("neural") as report:
            scores = neural.evaluate(text.documents, progress=report)
    with clock.stage("index") as report:
        return index_inputs(index, models, text, scores, report)


def _mixtures(
    tuning: MixtureInputs, measured: MixtureInputs, measurements: _Measurements, seed: int, clock: _Clock
) -> Iterator[Result]:
    baseline = next(iter(measured.scores))
    for mixture in possible_mixtures(list(measured.scores)):
        began = time.perf_counter()
        with clock.stage("fit", "rounds") as report:
            fitted = Interpolator.fit(tuning, by=mixture.by, models=mixture.models, seed=seed, progress=report)
        fit_s = time.perf_counter() - began
        result = measurements.result(mixture.name, mixture.title, fitted.log_probs(measured))
        yield replace(result, gains=fitted.gains(measured, over=baseline), fit_s=fit_s)


def _perplexity(log_probs: Float64Array) -> float:
    """Return the perplexity: NaN without positions, infinite if a float cannot represent it."""
    loss = -float(log_probs.mean()) if len(log_probs) else math.nan
    return math.inf if loss > _LARGEST_EXPONENT else math.exp(loss)
