"""The protocol: weights are fitted on one text, and everything is measured on another."""

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

from infgram.arguments import checked_seed, instance, text_or_none
from infgram.arguments import text as checked_text
from infgram.index import Index, checked_index
from infgram.lm.evaluation.bootstrap import change_interval, document_losses, perplexity_interval
from infgram.lm.evaluation.index_models import index_evidence, index_models
from infgram.lm.evaluation.measures import agreement, calibration, near_copies
from infgram.lm.evaluation.mixtures import MODEL_TITLES, PAPER, possible_mixtures
from infgram.lm.evaluation.results import Evaluation, Result
from infgram.lm.evaluation.texts import EvaluationText, shared_documents
from infgram.lm.mixing.evidence import Evidence
from infgram.lm.mixing.interpolator import Interpolator
from infgram.lm.mixing.suffix_features import suffix_features
from infgram.lm.models.infgram_lm import InfgramLM
from infgram.lm.types import PositionScores
from infgram.types import Float64Array, Int64Array
from infgram.watch import Progress, Watch

FAR_TOKENS: Final = 32
"""A position whose context's last so many tokens are in the corpus may be in a near copy."""

_LARGEST_EXPONENT: Final = 700.0


class Evaluates(Protocol):
    """A model such as `TransformersLM`."""

    def evaluate(
        self, documents: Sequence[Int64Array], *, progress: Callable[[int, int], None] | None = None
    ) -> PositionScores:
        """Every token but the first of each document."""


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
    """Measure the index's models, a neural one, and mixtures of them.

    Args:
        index: of the text that the models of the index know.
        text: to be measured on; nothing is fitted on it.
        tune: another text of the same kind, to fit the mixtures' weights on; without it there are no mixtures.
        neural: a model of the index's tokens.
        text_name: for people.
        neural_name: for people.
        end_token: the id by which the text or the neural model ends a document.
        seed: of what fitting draws.
        timeout_s: seconds that it may take; None for as long as it needs.
        progress: called with the stage (`"survey"`, `"neural"`, `"index"`, `"fit"`), and what of it is done and in all.

    Raises:
        TimeLimitError: `timeout_s` was over.
        QueryError: nothing of `tune` is possible under any model.
    """
    checked_index(index)
    for name, given in (("text", text), ("tune", text if tune is None else tune)):
        instance(given, name, EvaluationText, "what infgram.lm.evaluation.read_text gives")
    if neural is not None and not hasattr(neural, "evaluate"):
        raise TypeError(f"neural is of type {type(neural).__name__}; expected a model, such as a TransformersLM")
    checked_text(text_name, "text_name")
    text_or_none(neural_name, "neural_name")
    checked_seed(seed)
    clock = _Clock(Watch(timeout_s, progress, advice="or evaluate less of the texts with max_tokens (--max-tokens)"))
    with clock.stage("survey") as report:
        models = index_models(index, end_token, report)
    tuning = None if tune is None else _evidence(index, models, tune, neural, clock)
    measured = _evidence(index, models, text, neural, clock)
    suffixes = measured.suffixes or suffix_features(index, text.documents)
    judge = _Judge(measured, suffixes.suffix_lengths < FAR_TOKENS)
    return Evaluation(
        index=", ".join(map(os.fspath, index.paths)),
        text=text_name,
        neural_model=None if neural is None else neural_name,
        n_tokens=index.n_tokens,
        n_documents=len(text.documents),
        n_positions=text.n_positions,
        n_bytes=text.n_bytes,
        n_words=text.n_words,
        n_far=int(judge.far.sum()),
        models=tuple(judge.result(name, MODEL_TITLES[name], of.log_probs) for name, of in measured.scores.items()),
        mixtures=() if tuning is None else tuple(_mixtures(tuning, measured, judge, seed, clock)),
        agreement=agreement(suffixes),
        calibration={name: rows for name, of in measured.scores.items() if (rows := calibration(of))},
        near_copies={text.names[copy.document]: copy.share for copy in near_copies(suffixes)},
        elapsed_s=dict(clock.elapsed_s),
        n_tuned=0 if tune is None else shared_documents(text, tune),
    )


class _Clock:
    """Takes the time of the stages."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self.elapsed_s: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str, unit: str = "tokens") -> Iterator[Callable[[int, int], None]]:
        """What to hand to work as its `progress`; the time until the end of the block counts for the stage."""
        began = time.perf_counter()
        yield lambda done, total: self._watch.report(name, done, total, unit)
        self.elapsed_s[name] = self.elapsed_s.get(name, 0.0) + time.perf_counter() - began


class _Judge:
    """Turns log-probabilities of the measured text into results."""

    def __init__(self, measured: Evidence, far: npt.NDArray[np.bool_]) -> None:
        self.far = far
        self._starts = measured.document_starts
        self._sizes = np.diff(self._starts).astype(np.float64)
        self._paper: Float64Array | None = None

    def result(self, name: str, title: str, log_probs: Float64Array) -> Result:
        """Of a model or mixture; the paper's rule is what those after it are compared with."""
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
            far_perplexity=_perplexity(far),
            change=None if base is None else float(np.expm1((losses - base).sum() / self._sizes.sum())),
            change_interval=None if base is None else change_interval(losses, base, self._sizes),
        )


def _evidence(
    index: Index, models: dict[str, InfgramLM], text: EvaluationText, neural: Evaluates | None, clock: _Clock
) -> Evidence:
    scores = None
    if neural is not None:
        with clock.stage("neural") as report:
            scores = neural.evaluate(text.documents, progress=report)
    with clock.stage("index") as report:
        return index_evidence(index, models, text, scores, report)


def _mixtures(tuning: Evidence, measured: Evidence, judge: _Judge, seed: int, clock: _Clock) -> Iterator[Result]:
    over = next(iter(measured.scores))
    for mixture in possible_mixtures(list(measured.scores)):
        began = time.perf_counter()
        with clock.stage("fit", "rounds") as report:
            fitted = Interpolator.fit(tuning, by=mixture.by, models=mixture.models, seed=seed, progress=report)
        fit_s = time.perf_counter() - began
        result = judge.result(mixture.name, mixture.title, fitted.log_probs(measured))
        yield replace(result, gains=fitted.gains(measured, over=over), fit_s=fit_s)


def _perplexity(log_probs: Float64Array) -> float:
    """NaN for none; more than a float can hold is infinite."""
    loss = -float(log_probs.mean()) if len(log_probs) else math.nan
    return math.inf if loss > _LARGEST_EXPONENT else math.exp(loss)
