"""Mixture weights by class of contexts, fitted by expectation maximisation.

Jelinek and Mercer (1980), "Interpolated estimation of Markov source parameters from sparse data". A class draws its
weights towards those of the wider class around it, as if `strength` more positions had been seen there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from infgram.lm.mixing.context_classes import Grouping, class_levels
from infgram.lm.mixing.evidence import Evidence
from infgram.types import Float64Array, Int64Array

_ROUNDS: Final = 60
_ROUNDS_TO_JUDGE: Final = 20
_STRENGTHS: Final = (3.0, 30.0, 300.0, 3000.0, 30000.0)


@dataclass(frozen=True)
class WeightTable:
    """Weights by class, from the widest classes to the narrowest; a class never seen has those of the wider one.

    Attributes:
        grouping: which classes.
        levels: for each level the weights of each class that was seen, a number a model, summing to one.
    """

    grouping: Grouping
    levels: tuple[dict[int, Float64Array], ...]

    def weights(self, evidence: Evidence, models: Sequence[str]) -> Float64Array:
        """Positions × models; rows sum to one."""
        found = np.full((evidence.n_positions, len(models)), 1.0 / len(models))
        for classes, known in zip(class_levels(evidence, self.grouping), self.levels, strict=True):
            present, inverse = np.unique(classes, return_inverse=True)
            missing = np.array([number not in known for number in present.tolist()], dtype=np.bool_)
            rows = np.array([known.get(number, found[0]) for number in present.tolist()]).reshape(-1, len(models))
            found = np.where(missing[inverse][:, None], found, rows[inverse])
        return found

    def as_json(self) -> dict[str, Any]:
        """What `from_json` reads."""
        levels = [{str(number): row.tolist() for number, row in level.items()} for level in self.levels]
        return {"grouping": self.grouping, "levels": levels}

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> WeightTable:
        """The table that `as_json` wrote; any wrong shape raises KeyError, TypeError or ValueError."""
        if content["grouping"] not in ("one", "sparse", "class"):
            raise ValueError(f"grouping is {content['grouping']!r}; expected one, sparse or class")
        levels = [{int(number): _weights(row) for number, row in level.items()} for level in content["levels"]]
        if len(levels) != (4 if content["grouping"] == "class" else 1):
            raise ValueError(f"found {len(levels)} levels of classes")
        return cls(content["grouping"], tuple(levels))


def fit_table(
    evidence: Evidence, models: Sequence[str], grouping: Grouping, held: npt.NDArray[np.bool_]
) -> WeightTable:
    """The table that makes the positions most probable.

    How much a class is drawn towards the wider one is judged on the positions that are `held` out.
    """
    log_probs = evidence.log_probs(models)
    possible = np.isfinite(log_probs.max(axis=1))
    levels = class_levels(evidence, grouping)
    judged = held & possible

    def loss(strength: float) -> float:
        table = _fitted(grouping, levels, log_probs, possible & ~held, strength, _ROUNDS_TO_JUDGE)
        return -float(mixed(log_probs[judged], table.weights(evidence, models)[judged]).sum())

    strength = min(_STRENGTHS, key=loss) if len(levels) > 1 else 0.0
    return _fitted(grouping, levels, log_probs, possible, strength, _ROUNDS)


def mixed(log_probs: Float64Array, weights: Float64Array) -> Float64Array:
    """The log of the weighted mean of probabilities, row by row; −inf where all are impossible."""
    highest = log_probs.max(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        scaled = np.exp(log_probs - np.where(np.isfinite(highest), highest, 0.0)[:, None])
        return np.asarray(highest + np.log((weights * scaled).sum(axis=1)))


def _fitted(
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
    fitted = []
    for level, classes in enumerate(levels):
        present, inverse = np.unique(classes[used], return_inverse=True)
        order = np.argsort(inverse, kind="stable")
        begins = np.searchsorted(inverse[order], np.arange(len(present)))
        prior = wider[order][begins] if len(present) else wider
        rows = _expectation_maximisation(probabilities[order], begins, prior, strength if level else 0.0, n_rounds)
        wider = rows[inverse]
        fitted.append(dict(zip(present.tolist(), rows, strict=True)))
    return WeightTable(grouping, tuple(fitted))


def _expectation_maximisation(
    probabilities: Float64Array, begins: Int64Array, prior: Float64Array, strength: float, n_rounds: int
) -> Float64Array:
    """Weights of each run of rows, which begin at `begins`."""
    weights = prior
    sizes = np.diff(np.append(begins, len(probabilities)))
    for _ in range(n_rounds if len(begins) else 0):
        joint = probabilities * np.repeat(weights, sizes, axis=0)
        shares = np.add.reduceat(joint / joint.sum(axis=1, keepdims=True), begins, axis=0)
        weights = (shares + strength * prior) / (sizes[:, None] + strength)
    return weights


def _weights(row: Any) -> Float64Array:
    weights = np.asarray(row, dtype=np.float64)
    if weights.ndim != 1 or not (weights >= 0).all() or abs(weights.sum() - 1) > 1e-6:
        raise ValueError(f"expected weights that sum to one, found {row!r}")
    return weights
