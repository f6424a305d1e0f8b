"""The gate: weights of its own for every position, from what is known before the token."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from infgram.errors import QueryError
from infgram.lm.context_classes import Grouping
from infgram.lm.evidence import Evidence
from infgram.lm.gate_inputs import gate_inputs
from infgram.lm.network import Float32Array, Network
from infgram.lm.table import WeightTable, fit_table, mixed
from infgram.types import Float64Array

Report: TypeAlias = Callable[[int, int], None]
"""Called with the epochs done and those there may be."""

N_UNITS: Final = 32
_MOST_EPOCHS: Final = 10
_FARTHEST: Final = 5.0  # standard deviations: an input farther out counts as this
_LEAST_DEVIATION: Final = 1e-6
_ROUNDS: Final = 60


@dataclass(frozen=True)
class Gate:
    """A network's weights, drawn towards those of a table of classes.

    Attributes:
        table: what it falls back on.
        network: the gate proper.
        names: its inputs, in order.
        means: of each input in the text it was fitted on.
        deviations: likewise.
        table_share: from 0, the network alone, to 1, the table alone; what was best on text held out.
    """

    table: WeightTable
    network: Network
    names: tuple[str, ...]
    means: Float64Array
    deviations: Float64Array
    table_share: float

    def weights(self, evidence: Evidence, models: Sequence[str]) -> Float64Array:
        """Positions × models; rows sum to one.

        Raises:
            QueryError: an input that the gate was fitted with is missing.
        """
        of_network = self.network.weights(self._scaled(gate_inputs(evidence, models)))
        return (1 - self.table_share) * of_network + self.table_share * self.table.weights(evidence, models)

    def as_json(self) -> dict[str, Any]:
        """What `from_json` reads."""
        return {
            "table": self.table.as_json(),
            "network": self.network.as_json(),
            "inputs": list(self.names),
            "means": self.means.tolist(),
            "deviations": self.deviations.tolist(),
            "table_share": self.table_share,
        }

    @classmethod
    def from_json(cls, content: dict[str, Any], n_models: int) -> Gate:
        """The gate that `as_json` wrote; any wrong shape raises KeyError, TypeError or ValueError."""
        names = tuple(map(str, content["inputs"]))
        means, deviations = (np.asarray(content[name], dtype=np.float64) for name in ("means", "deviations"))
        share = float(content["table_share"])
        if means.shape != (len(names),) or deviations.shape != means.shape or not (deviations > 0).all():
            raise ValueError("means and deviations do not fit the inputs")
        if not 0 <= share <= 1:
            raise ValueError(f"table_share is {share}; expected 0 to 1")
        network = Network.from_json(content["network"], len(names), n_models)
        return cls(WeightTable.from_json(content["table"]), network, names, means, deviations, share)

    def _scaled(self, columns: dict[str, Float64Array]) -> Float32Array:
        missing = [name for name in self.names if name not in columns]
        if missing:
            raise QueryError(f"the gate was fitted with inputs that are missing here: {', '.join(missing)}")
        return _scaled([columns[name] for name in self.names], self.means, self.deviations)


def fit_gate(
    evidence: Evidence, models: Sequence[str], held: npt.NDArray[np.bool_], seed: int, progress: Report | None
) -> Gate:
    """Train on the positions that are not held out until those that are no longer gain; then as long on all.

    How much of the table's weights is mixed in is fitted on the held-out positions, too, where neither was trained.
    """
    columns = gate_inputs(evidence, models)
    values = list(columns.values())
    means = np.array([column.mean() for column in values])
    deviations = np.array([column.std() + _LEAST_DEVIATION for column in values])
    inputs = _scaled(values, means, deviations)
    log_probs = evidence.log_probs(models)
    highest = log_probs.max(axis=1)
    possible = np.isfinite(highest)
    probabilities = np.exp(log_probs - np.where(possible, highest, 0.0)[:, None]).astype(np.float32)
    fitted, judged = possible & ~held, possible & held

    def train(rows: npt.NDArray[np.bool_], after_epoch: Callable[[int, Network], bool]) -> Network:
        network = Network.random(inputs.shape[1], N_UNITS, len(models), np.random.default_rng(seed))
        network.train(
            inputs[rows],
            probabilities[rows],
            n_epochs=_MOST_EPOCHS,
            generator=np.random.default_rng(seed),
            after_epoch=lambda n_epochs: after_epoch(n_epochs, network),
        )
        return network

    best_loss, best_epochs, of_network = np.inf, 1, np.zeros((int(judged.sum()), len(models)))

    def judge(n_epochs: int, network: Network) -> bool:
        nonlocal best_loss, best_epochs, of_network
        weights = network.weights(inputs[judged])
        loss = -float(mixed(log_probs[judged], weights).mean()) if judged.any() else 0.0
        if loss < best_loss:
            best_loss, best_epochs, of_network = loss, n_epochs, weights
        if progress:
            progress(n_epochs, 2 * _MOST_EPOCHS)
        return True

    def until_best(n_epochs: int, _: Network) -> bool:
        if progress:
            progress(_MOST_EPOCHS + n_epochs, 2 * _MOST_EPOCHS)
        return n_epochs < best_epochs

    train(fitted, judge)
    grouping: Grouping = "one" if evidence.suffixes is None else "class"
    of_table = fit_table(evidence, models, grouping, held, only=fitted).weights(evidence, models)[judged]
    share = _table_share(log_probs[judged], of_network, of_table)
    return Gate(
        table=fit_table(evidence, models, grouping, held),
        network=train(possible, until_best),
        names=tuple(columns),
        means=means,
        deviations=deviations,
        table_share=share,
    )


def _scaled(columns: Sequence[Float64Array], means: Float64Array, deviations: Float64Array) -> Float32Array:
    """Rows × inputs, each about 0 with the deviation 1, cut at both ends."""
    scaled = (np.stack(columns, axis=1) - means) / deviations
    return np.clip(scaled, -_FARTHEST, _FARTHEST).astype(np.float32)


def _table_share(log_probs: Float64Array, of_network: Float64Array, of_table: Float64Array) -> float:
    """The weight of the table's mixture beside the network's that makes the positions most probable."""
    if not len(log_probs):
        return 1.0
    both = np.stack([mixed(log_probs, of_network), mixed(log_probs, of_table)], axis=1)
    scaled = np.exp(both - both.max(axis=1, keepdims=True))
    share = 0.1
    for _ in range(_ROUNDS):
        joint = scaled * (1 - share, share)
        share = float((joint[:, 1] / joint.sum(axis=1)).mean())
    return share
