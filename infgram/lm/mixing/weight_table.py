"""Interpolation weights by class of context, fitted by expectation maximization.

After Jelinek and Mercer (1980), "Interpolated estimation of Markov source parameters from sparse data". Classes form
levels, from wide to narrow. The weights of a class are shrunk towards those of the wider class that contains it, as if
`strength` further positions had been observed there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from infgram.errors import QueryError
from infgram.lm.mixing.mixture_inputs import MixtureInputs
from infgram.types import Float64Array, Int64Array

Grouping: TypeAlias = Literal["one", "sparse", "class"]
"""One class; sparse contexts and the others, as in the infini-gram paper; or by effective n, count and n_distinct."""

LENGTHS: Final = (0, 1, 2, 3, 4, 5, 7, 11, 15, 31)
"""Upper bounds of the classes of suffix lengths; longer suffixes are the last class."""

_COUNTS: Final = (1, 2, 7, 31, 255)
_DISTINCT_SHARES: Final = (0.25, 0.5, 0.999)  # of distinct continuations among the occurrences
_N_COUNT_CLASSES: Final = len(_COUNTS) + 1
_N_SHARE_CLASSES: Final = len(_DISTINCT_SHARES) + 2
_N_LEVELS: Final = {"one": 1, "sparse": 1, "class": 4}

_ROUNDS: Final = 60
_ROUNDS_PER_STRENGTH: Final = 20
_STRENGTHS: Final = (3.0, 30.0, 300.0, 3000.0, 30000.0)


class Contexts(Protocol):
    """Counts of the longest suffix of each context; `SuffixFeatures` has them."""

    @property
    def suffix_lengths(self) -> Int64Array:
        """Tokens of the suffix."""

    @property
    def context_counts(self) -> Int64Array:
        """Occurrences of the suffix."""

    @property
    def n_distinct(self) -> Int64Array:
        """Distinct continuations of the suffix."""


class ContextCounts(NamedTuple):
    """Counts of some contexts: the part of `SuffixFeatures` that classes depend on."""

    suffix_lengths: Int64Array
    context_counts: Int64Array
    n_distinct: Int64Array


@dataclass(frozen=True)
class WeightTable:
    """Weights by class, from the widest level to the narrowest; an unseen class has the weights of the wider one.

    Attributes:
        grouping: how contexts are classified.
        levels: for each level, float64 weights of each class that was seen: one per model, summing to one.
    """

    grouping: Grouping
    levels: tuple[dict[int, Float64Array], ...]

    def weights(self, contexts: Contexts | None, n_positions: int, n_models: int) -> Float64Array:
        """Return the weights: float64, positions × models; rows sum to one.

        Raises:
            QueryError: the grouping depends on the contexts, and there are none.
        """
        weights = np.full((n_positions, n_models), 1.0 / n_models)
        for classes, known in zip(class_levels(contexts, n_positions, self.grouping), self.levels, strict=True):
            numbers, inverse = np.unique(classes, return_inverse=True)
            unseen = np.array([number not in known for number in numbers.tolist()], dtype=np.bool_)
            rows = np.array([known.get(number, weights[0]) for number in numbers.tolist()]).reshape(-1, n_models)
            weights = np.where(unseen[inverse][:, None], weights, rows[inverse])
        return weights

    def as_json(self) -> dict[str, Any]:
        """Return the JSON that `from_json` reads."""
        levels = [{str(number): row.tolist() for number, row in level.items()} for level in self.levels]
        return {"grouping": self.grouping, "levels": levels}

    @classmethod
    def from_json(cls, content: dict[str, Any], by: str, n_models: int) -> WeightTable:
        """Create the table that `as_json` wrote; raise KeyError, TypeError or ValueError if it is malformed."""
        expected = ("one", "sparse") if by == "gate" else (by,)
        if content["grouping"] not in expected:
            raise ValueError(f"grouping is {content['grouping']!r}; expected {' or '.join(expected)}")
        levels = [
            {int(number): _checked_row(row, n_models) for number, row in level.items()} for level in content["levels"]
        ]
        if len(levels) != _N_LEVELS[content["grouping"]]:
            raise ValueError(f"found {len(levels)} levels of classes")
        return cls(content["grouping"], tuple(levels))


def fit_table(
    inputs: MixtureInputs, models: Sequence[str], grouping: Grouping, held_out: npt.NDArray[np.bool_]
) -> WeightTable:
    """Fit the weights that maximize the likelihood of all positions; `held_out` positions select the strength."""
    log_probs = inputs.log_probs(models)
    possible = np.isfinite(log_probs.max(axis=1))
    levels = class_levels(inputs.suffixes, inputs.n_positions, grouping)
    judged = held_out & possible

    def loss(strength: float) -> float:
        table = _fit(grouping, levels, log_probs, possible & ~held_out, strength, _ROUNDS_PER_STRENGTH)
        weights = table.weights(inputs.suffixes, inputs.n_positions, len(models))
        return -float(mix(log_probs[judged], weights[judged]).sum())

    strength = min(_STRENGTHS, key=loss) if len(levels) > 1 else 0.0
    return _fit(grouping, levels, log_probs, possible, strength, _ROUNDS)


def mix(log_probs: Float64Array, weights: Float64Array) -> Float64Array:
    """Return the log of the weighted mean probability of each row: float64 nats; −inf if all models have −inf."""
    highest = log_probs.max(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        scaled = np.exp(log_probs - np.where(np.isfinite(highest), highest, 0.0)[:, None])
        return np.asarray(highest + np.log((weights * scaled).sum(axis=1)))


def class_levels(contexts: Contexts | None, n_positions: int, grouping: Grouping) -> list[Int64Array]:
    """Return the class of every position at each level, from wide to narrow; each class is part of one wider class.

    Raises:
        QueryError: the grouping depends on the contexts, and there are none.
    """
    all_one = np.zeros(n_positions, dtype=np.int64)
    if grouping == "one":
        return [all_one]
    if contexts is None:
        raise QueryError(f"weights by {grouping!r} depend on the contexts; pass suffixes to MixtureInputs")
    sparse = (contexts.n_distinct == 1).astype(np.int64)
    if grouping == "sparse":
        return [sparse]
    lengths = length_class(contexts.suffix_lengths)
    counts = np.searchsorted(_COUNTS, contexts.context_counts)
    shares = np.searchsorted(_DISTINCT_SHARES, contexts.n_distinct / np.maximum(contexts.context_counts, 1))
    kinds = np.where(sparse, 0, 1 + shares)
    return [all_one, sparse, 2 * lengths + sparse, (lengths * _N_SHARE_CLASSES + kinds) * _N_COUNT_CLASSES + counts]


def length_class(suffix_lengths: Int64Array) -> Int64Array:
    """Return the number of the class of each suffix length: int64."""
    return np.searchsorted(LENGTHS, suffix_lengths).astype(np.int64)


def length_class_name(number: int) -> str:
    """Return the effective n of a class, as `6` or `9–12`."""
    if number == len(LENGTHS):
        return f"{LENGTHS[-1] + 2}+"
    lowest = LENGTHS[number - 1] + 2 if number else 1
    highest = LENGTHS[number] + 1
    return str(lowest) if lowest == highest else f"{lowest}–{highest}"


def _fit(
    grouping: Grouping,
    levels: Sequence[Int64Array],
    log_probs: Float64Array,
    used: npt.NDArray[np.bool_],
    strength: float,
    n_rounds: int,
) -> WeightTable:
    probabilities = np.exp(log_probs[used] - log_probs[used].max(axis=1, keepdims=True))
    n_models = log_probs.shape[1]
    wider = np.full((int(used.sum()), n_models), 1.0 / n_models)
    tables = []
    for level, classes in enumerate(levels):
        numbers, inverse = np.unique(classes[used], return_inverse=True)
        order = np.argsort(inverse, kind="stable")
        begins = np.searchsorted(inverse[order], np.arange(len(numbers)))
        prior = wider[order][begins] if len(numbers) else wider
        rows = _expectation_maximisation(probabilities[order], begins, prior, strength if level else 0.0, n_rounds)
        wider = rows[inverse]
        tables.append(dict(zip(numbers.tolist(), rows, strict=True)))
    return WeightTable(grouping, tuple(tables))


def _expectation_maximisation(
    probabilities: Float64Array, begins: Int64Array, prior: Float64Array, strength: float, n_rounds: int
) -> Float64Array:
    """Return the weights of each class, classes × models; the rows of a class are contiguous from its `begins` on."""
    weights = prior
    sizes = np.diff(np.append(begins, len(probabilities)))
    for _ in range(n_rounds if len(begins) else 0):
        joint = probabilities * np.repeat(weights, sizes, axis=0)
        responsibilities = np.add.reduceat(joint / joint.sum(axis=1, keepdims=True), begins, axis=0)
        weights = (responsibilities + strength * prior) / (sizes[:, None] + strength)
    return weights


def _checked_row(row: Any, n_models: int) -> Float64Array:
    weights = np.asarray(row, dtype=np.float64)
    if weights.shape != (n_models,) or not (weights >= 0).all() or not abs(weights.sum() - 1) <= 1e-6:
        raise ValueError(f"expected {n_models} weights that sum to one, found {row!r:.80}")
    return weights
