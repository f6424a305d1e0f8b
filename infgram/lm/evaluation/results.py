"""What an evaluation found."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from infgram.lm.evaluation.bootstrap import Interval
from infgram.lm.evaluation.measures import Agreement, CalibrationBin
from infgram.lm.evaluation.mixtures import NEURAL
from infgram.lm.mixing.interpolator import ClassGain
from infgram.reprs import ShortRepr
from infgram.tables import Columns, Table, numbers

_LARGEST_EXPONENT_BITS: Final = 1000.0  # of a perplexity that a float holds


@dataclass(frozen=True)
class Result(ShortRepr):
    """A model, or a mixture of several, on the text.

    Attributes:
        name: as `Evaluation.result` takes it.
        title: for people.
        perplexity: per token; infinite where a token was held impossible.
        interval: of the perplexity, 95%, over documents.
        impossible_share: of the positions, those whose token was held impossible.
        far_perplexity: without the positions whose context's last 32 tokens are in the corpus.
        change: of the perplexity against the paper's rule: −0.1 is 10% less; None without that.
        change_interval: of this, 95%, over documents drawn for both together.
        gains: of a mixture, by class of contexts, against the neural model, or the first one without it.
        fit_s: seconds that fitting the weights took; 0 for a model.
    """

    name: str
    title: str
    perplexity: float
    interval: Interval
    impossible_share: float
    far_perplexity: float
    change: float | None = None
    change_interval: Interval | None = None
    gains: tuple[ClassGain, ...] = ()
    fit_s: float = 0.0


@dataclass(frozen=True)
class Evaluation(Table):
    """Models and mixtures on one text.

    Attributes:
        index: what was asked, for people: the paths of the index.
        text: what it was evaluated on.
        neural_model: its name; None without one.
        n_tokens: of the index.
        n_documents: of the text.
        n_positions: tokens scored: all but each document's first.
        n_bytes: UTF-8 that these stand for.
        n_words: words that these stand for.
        n_far: positions that are counted in `far_perplexity`.
        models: each alone.
        mixtures: fitted on the text for tuning; empty without one.
        agreement: of the ∞-gram with the text, by effective n; all at the end.
        calibration: by model, where it tells its entropies.
        near_copies: the names of documents that the corpus nearly holds, and the share of their 13-grams in it.
        elapsed_s: by stage, of both texts together.
        n_tuned: documents of the text that are in the text for tuning, too; more than 0 makes mixtures look too good.
    """

    index: str
    text: str
    neural_model: str | None
    n_tokens: int
    n_documents: int
    n_positions: int
    n_bytes: int
    n_words: int
    n_far: int
    models: tuple[Result, ...]
    mixtures: tuple[Result, ...]
    agreement: tuple[Agreement, ...]
    calibration: Mapping[str, tuple[CalibrationBin, ...]]
    near_copies: Mapping[str, float]
    elapsed_s: Mapping[str, float]
    n_tuned: int = 0

    @property
    def results(self) -> tuple[Result, ...]:
        """Models, then mixtures."""
        return (*self.models, *self.mixtures)

    def perplexity_per_word(self, perplexity: float) -> float:
        """Convert a perplexity per token to one per word; may be infinite."""
        bits = self._bits_per(self.n_words, perplexity)
        return 2.0**bits if bits < _LARGEST_EXPONENT_BITS else math.inf

    def bits_per_byte(self, perplexity: float) -> float:
        """Convert a perplexity per token to bits per byte of UTF-8: the mean loss, log2 of a perplexity per byte."""
        return self._bits_per(self.n_bytes, perplexity)

    def relative_reduction(self, result: Result) -> float:
        """The infini-gram paper's measure of a gain on the neural model: 1 − (P − 1) / (P of the model − 1).

        NaN without a neural model.
        """
        neural = [model.perplexity for model in self.models if model.name == NEURAL]
        return 1 - (result.perplexity - 1) / (neural[0] - 1) if neural and neural[0] > 1 else math.nan

    def columns(self) -> Columns:
        """A row for each model and mixture; `change` is missing without the paper's rule."""
        results = self.results
        of_float = ("perplexity", "impossible_share", "far_perplexity", "fit_s")
        columns: Columns = {"name": [result.name for result in results], "title": [result.title for result in results]}
        columns |= numbers(results, *of_float, dtype=np.float64)
        columns["perplexity_low"] = np.array([result.interval.low for result in results])
        columns["perplexity_high"] = np.array([result.interval.high for result in results])
        columns["bits_per_byte"] = np.array([self.bits_per_byte(result.perplexity) for result in results])
        columns["change"] = numbers(results, "change", dtype=np.float64)["change"]
        return columns

    def as_json(self) -> dict[str, Any]:
        """All of it; None stands for what is infinite, undefined or was not asked for."""
        named = {result.name: result for result in self.results}
        keys = dict.fromkeys(("neural", "paper", "kn5", "smoothed", "gated", *(named)))

        def each(value: Any) -> dict[str, Any]:
            return {key: value(named[key]) if key in named else None for key in keys}

        content = {
            "perplexity": each(lambda result: result.perplexity),
            "intervals": each(lambda result: list(result.interval)),
            "perplexity_per_word": each(lambda result: self.perplexity_per_word(result.perplexity)),
            "bits_per_byte": each(lambda result: self.bits_per_byte(result.perplexity)),
            "perplexity_without_near_copies": each(lambda result: result.far_perplexity),
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
                    "n_far",
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
        """The loss of all positions in bits, shared out over bytes or words."""
        if not n_units or not math.isfinite(perplexity):
            return math.inf
        return math.log2(perplexity) * self.n_positions / n_units


def _finite(value: Any) -> Any:
    """The same with None for numbers that JSON cannot hold."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(part) for key, part in value.items()}
    return [_finite(part) for part in value] if isinstance(value, list | tuple) else value
