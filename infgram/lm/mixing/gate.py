"""The gate: interpolation weights for each position, computed by a network and smoothed with a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from infgram.errors import QueryError
from infgram.lm.mixing.gate_inputs import gate_inputs
from infgram.lm.mixing.gate_network import Float32Array, Network
from infgram.lm.mixing.mixture_inputs import N_FOLDS, MixtureInputs, folds_of
from infgram.lm.mixing.weight_table import WeightTable, fit_table, mix
from infgram.types import Float64Array

Report: TypeAlias = Callable[[int, int], None]
"""Called with the finished epochs and the total number of epochs."""

N_UNITS: Final = 64
_MIN_EPOCHS: Final = 6
_MAX_EPOCHS: Final = 60
_MIN_ROWS: Final = 100_000  # over all epochs together, as far as `_MAX_EPOCHS` allows
_BISECTIONS: Final = 20
_MAX_DEVIATIONS: Final = 5.0  # standardized inputs are clipped to this
_MIN_DEVIATION: Final = 1e-6


@dataclass(frozen=True)
class Scale:
    """Standardizes inputs to mean 0 and standard deviation 1.

    Attributes:
        names: names of the inputs, in order.
        means: float64, the mean of each input in the text that the gate was fitted on.
        deviations: float64, the standard deviation of each, positive.
    """

    names: tuple[str, ...]
    means: Float64Array
    deviations: Float64Array

    @classmethod
    def of(cls, columns: Mapping[str, Float64Array]) -> Scale:
        """Compute the scale of a text's inputs."""
        means = np.array([column.mean() for column in columns.values()])
        return cls(tuple(columns), means, np.array([column.std() + _MIN_DEVIATION for column in columns.values()]))

    def apply(self, columns: Mapping[str, Float64Array]) -> Float32Array:
        """Return the standardized inputs: float32, positions × inputs, clipped.

        Raises:
            QueryError: an input is missing.
        """
        missing = [name for name in self.names if name not in columns]
        if missing:
            raise QueryError(f"the inputs that the gate was fitted with are missing: {', '.join(missing)}")
        scaled = (np.stack([columns[name] for name in self.names], axis=1) - self.means) / self.deviations
        return np.clip(scaled, -_MAX_DEVIATIONS, _MAX_DEVIATIONS).astype(np.float32)


@dataclass(frozen=True)
class Gate:
    """Weights of a network, averaged with those of a table.

    Attributes:
        table: weights of one or two classes, reliable in unfamiliar contexts.
        network: computes weights from the inputs.
        scale: standardizes the inputs.
        table_share: weight of the table, from 0 (network alone) to 1 (table alone), fitted by cross-validation.
    """

    table: WeightTable
    network: Network
    scale: Scale
    table_share: float

    def weights(self, inputs: MixtureInputs, models: Sequence[str]) -> Float64Array:
        """Return the weights: float64, positions × models; rows sum to one.

        Raises:
            QueryError: an input of the gate is missing.
        """
        by_network = self.network.weights(self.scale.apply(gate_inputs(inputs, models)))
        by_table = self.table.weights(inputs.suffixes, inputs.n_positions, len(models))
        return (1 - self.table_share) * by_network + self.table_share * by_table

    def as_json(self) -> dict[str, Any]:
        """Return the JSON that `from_json` reads."""
        return {
            "table": self.table.as_json(),
            "network": self.network.as_json(),
            "inputs": list(self.scale.names),
            "means": self.scale.means.tolist(),
            "deviations": self.scale.deviations.tolist(),
            "table_share": self.table_share,
        }

    @classmethod
    def from_json(cls, content: dict[str, Any], n_models: int) -> Gate:
        """Create the gate that `as_json` wrote; raise KeyError, TypeError or ValueError if it is malformed."""
        names = tuple(map(str, content["inputs"]))
        means, deviations = (np.asarray(content[name], dtype=np.float64) for name in ("means", "deviations"))
        share = float(content["table_share"])
        if means.shape != (len(names),) or deviations.shape != means.shape or not (deviations > 0).all():
            raise ValueError("means and deviations do not match the inputs")
        if not (np.isfinite(means) & np.isfinite(deviations)).all():
            raise ValueError("means and deviations are not finite")
        if not 0 <= share <= 1:
            raise ValueError(f"table_share is {share}; expected 0 to 1")
        network = Network.from_json(content["network"], len(names), n_models)
        return cls(
            WeightTable.from_json(content["table"], "gate", n_models), network, Scale(names, means, deviations), share
        )


def fit_gate(inputs: MixtureInputs, models: Sequence[str], seed: int, progress: Report | None) -> Gate:
    """Train the network on all positions, and fit the table's share by cross-validation.

    For each fold a further network is trained on the other folds. Its weights on the fold show how well the network
    does on unseen text, and so determine the table's share.
    """
    columns = gate_inputs(inputs, models)
    scale = Scale.of(columns)
    scaled = scale.apply(columns)
    log_probs = inputs.log_probs(models)
    possible = np.isfinite(log_probs.max(axis=1))
    folds = folds_of(inputs.document_starts)
    table = fit_table(inputs, models, "one" if inputs.suffixes is None else "sparse", folds == 0)
    n_epochs = min(_MAX_EPOCHS, max(_MIN_EPOCHS, _MIN_ROWS // len(scaled)))
    by_network = np.zeros(log_probs.shape)
    n_done = 0

    def trained(rows: npt.NDArray[np.bool_]) -> Network:
        nonlocal n_done
        network = Network.random(scaled.shape[1], N_UNITS, len(models), np.random.default_rng(seed))
        for _ in network.train(scaled[rows], _scaled(log_probs[rows]), n_epochs=n_epochs, seed=seed):
            n_done += 1
            if progress:
                progress(n_done, (N_FOLDS + 1) * n_epochs)
        return network

    for fold in range(N_FOLDS):
        by_network[folds == fold] = trained(possible & (folds != fold)).weights(scaled[folds == fold])
    by_table = table.weights(inputs.suffixes, inputs.n_positions, len(models))
    share = _table_share(log_probs[possible], by_network[possible], by_table[possible])
    return Gate(table=table, network=trained(possible), scale=scale, table_share=share)


def _scaled(log_probs: Float64Array) -> Float32Array:
    """Return probabilities, scaled so that the maximum of each row is 1."""
    return np.asarray(np.exp(log_probs - log_probs.max(axis=1, keepdims=True)), dtype=np.float32)


def _table_share(log_probs: Float64Array, by_network: Float64Array, by_table: Float64Array) -> float:
    """Return the share of the table that maximizes the likelihood of the positions, by bisection."""
    both = np.stack([mix(log_probs, by_network), mix(log_probs, by_table)], axis=1)
    network, table = np.exp(both - both.max(axis=1, keepdims=True)).T
    low, high = 0.0, 1.0
    for _ in range(_BISECTIONS):
        share = (low + high) / 2
        gains = (table - network) / ((1 - share) * network + share * table)
        low, high = (share, high) if gains.sum() > 0 else (low, share)
    return (low + high) / 2
