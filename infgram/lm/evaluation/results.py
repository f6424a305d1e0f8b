"""Results of an evaluation."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from infgram.lm.evaluation.bootstrap import Interval
from infgram.lm.evaluation.compared_models import NEURAL
from infgram.lm.evaluation.measures import Agreement, CalibrationBin
from infgram.lm.mixing.interpolator import ClassGain
from infgram.reprs import ShortRepr
from infgram.tables import Columns, Table, numbers

_LARGEST_EXPONENT_BITS: Final = 1000.0  # log2 of the largest perplexity that is not reported as infinite


@dataclass(frozen=True)
class Result(ShortRepr):
    """Result of a model or mixture on the text.

    Attributes:
        name: short name of the model or mixture.
        title: name in reports.
        perplexity: per token; infinite if a token has probability 0.
        interval: 95% bootstrap interval of the perplexity, over documents.
        impossible_share: share of positions whose token has probability 0.
        perplexity_without_near_copies: perplexity of the positions whose last 32 context tokens do not occur in the
            corpus.
        change: relative change of the perplexity against the paper's rule: −0.1 is 10% less; None without that rule.
        change_interval: 95% bootstrap interval of the change, paired by document.
        gains: of a mixture over the first model, which is the neural one if there is one, by class of context.
        fit_s: time of fitting the weights in seconds; 0 for a model.
    """

    name: str
    title: str
    perplexity: float
    interval: Interval
    impossible_share: float
    perplexity_without_near_copies: float
    change: float | None = None
    change_interval: Interval | None = None
    gains: tuple[ClassGain, ...] = ()
    fit_s: float = 0.0


@dataclass(frozen=True)
class Evaluation(Table):
    """Evaluation of models and mixtures on one text.

    Attributes:
        index: paths of the index.
        text: name of the text.
        neural_model: name of the neural model; None without one.
        n_tokens: tokens of the index.
        n_documents: documents of the text.
        n_positions: scored tokens: all but each document's first.
        n_bytes: UTF-8 bytes of the scored tokens.
        n_words: words of the scored tokens.
        n_positions_without_near_copies: positions of `perplexity_without_near_copies`.
        models: results of the single models.
        mixtures: results of the mixtures, whose weights were fitted on the tuning text; empty without one.
        agreement: of the ∞-gram with the text, for each class of effective n and last for all positions.
        calibration: by the name of the model, for models with entropies.
        near_copies: share of 13-grams that occur in the corpus, by the name of the document, for near copies.
        elapsed_s: seconds of each stage, for both texts together.
        n_tuned: documents that are also in the tuning text; if there are any, mixtures look better than they are.
    """

    index: str
    text: str
    neural_model: str | None
    n_tokens: int
    n_documents: int
    n_positions: int
    n_bytes: int
    n_words: int
    n_positions_without_near_copies: int
    models: tuple[Result, ...]
    mixtures: tuple[Result, ...]
    agreement: tuple[Agreement, ...]
    calibration: Mapping[str, tuple[CalibrationBin, ...]]
    near_copies: Mapping[str, float]
    elapsed_s: Mapping[str, float]
    n_tuned: int = 0

    @property
    def results(self) -> tuple[Result, ...]:
        """Results of the models, then of the mixtures."""
        return (*self.models, *self.mixtures)

    def perplexity_per_word(self, perplexity: float) -> float:
        """Convert a perplexity per token to one per word; may be infinite."""
        bits = self._bits_per(self.n_words, perplexity)
        return 2.0**bits if bits < _LARGEST_EXPONENT_BITS else math.inf

    def bits_per_byte(self, perplexity: float) -> float:
        """Convert a perplexity per token to bits per byte of UTF-8: the mean loss, log2 of a perplexity per byte."""
        return self._bits_per(self.n_bytes, perplexity)

    def relative_reduction(self, result: Result) -> float:
        """Return the relative reduction of the infini-gram paper, 1 − (P − 1) / (P_neural − 1), for the perplexity P.

        NaN without a neural model.
        """
        neural = [model.perplexity for model in self.models if model.name == NEURAL]
        return 1 - (result.perplexity - 1) / (neural[0] - 1) if neural and neural[0] > 1 else math.nan

    def columns(self) -> Columns:
        """Return a row for each model and mixture; `change` is missing without the paper's rule."""
        results = self.results
        of_float = ("perplexity", "impossible_share", "perplexity_without_near_copies", "fit_s")
        columns: Columns = {"name": [result.name for result in results], "title": [result.title for result in results]}
        columns |= numbers(results, *of_float, dtype=np.float64)
        columns["perplexity_low"] = np.array([result.interval.low for result in results])
        columns["perplexity_high"] = np.array([result.interval.high for result in results])
        columns["bits_per_byte"] = np.array([self.bits_per_byte(result.perplexity) for result in results])
        columns["change"] = numbers(results, "change", dtype=np.float64)["change"]
        return columns

    def as_json(self) -> dict[str, Any]:
        """Return all fields as JSON; None for numbers that are infinite, undefined or were not computed."""
        named = {result.name: result for result in self.results}
        keys = dict.fromkeys(("neural", "paper", "kn5", "smoothed", "gated", *(named)))

        def each(value: Any) -> dict[str, Any]:
            return {key: value(named[key]) if key in named else None for key in keys}

        content = {
            "perplexity": each(lambda result: result.perplexity),
            "intervals": each(lambda result: list(result.interval)),
            "perplexity_per_word": each(lambda result: self.perplexity_per_word(result.perplexity)),
            "bits_per_byte": each(lambda result: self.bits_per_byte(result.perplexity)),
            "perplexity_without_near_copies": each(lambda result: result.perplexity_without_near_copies),
            "relative_reduction": each(self.relative_reduction),
            "change": each(lambda result: result.change),
            "change_intervals": each(lambda result: result.change_interval and list(result.change_interval)),
            "impossible_share": each(lambda result: result.impossible_share),
            "fit_s": {result.name: round(result.fit_s, 3) for result in self.mixtures},
            "gains": {result.name: [asdict(gain) for gain in result.gains] for result in self.mixtures},
            **{
                name: getattr(self, name)
                for name in (
                    "index",
                    "text",
                    "neural_model",
                    "n_tokens",
                    "n_documents",
                    "n_tuned",
                    "n_positions",
                    "n_bytes",
                    "n_words",
                    "n_positions_without_near_copies",
                )
            },
            "agreement": [asdict(row) for row in self.agreement],
            "calibration": {name: [asdict(row) for row in rows] for name, rows in self.calibration.items()},
            "near_copies": dict(self.near_copies),
            "elapsed_s": {name: round(value, 3) for name, value in self.elapsed_s.items()},
        }
        cleaned: dict[str, Any] = _finite(content)
        return cleaned

    def _bits_per(self, n_units: int, perplexity: float) -> float:
        """Return the total loss in bits, divided by the number of bytes or words."""
        if not n_units or not math.isfinite(perplexity):
            return math.inf
        return math.log2(perplexity) * self.n_positions / n_units


def _finite(value: Any) -> Any:
    """Replace numbers that JSON cannot represent by None."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(part) for key, part in value.items()}
    return [_finite(part) for part in value] if isinstance(value, list | tuple) else value
