"""The gate: weights of its own for every position, from what is known before the token."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from infgram.errors import QueryError
from infgram.lm.mixing.evidence import Evidence
from infgram.lm.mixing.gate_inputs import gate_inputs
from infgram.lm.mixing.gate_network import Float32Array, Network
from infgram.lm.mixing.weight_table import WeightTable
from infgram.types import Float64Array

_FARTHEST: Final = 5.0  # standard deviations: an input farther out counts as this
_LEAST_DEVIATION: Final = 1e-6


@dataclass(frozen=True)
class Scale:
    """Brings inputs to about 0 with the deviation 1.

    Attributes:
        names: of the inputs, in order.
        means: of each in the text that the gate was fitted on.
        deviations: likewise, positive.
    """

    names: tuple[str, ...]
    means: Float64Array
    deviations: Float64Array

    @classmethod
    def of(cls, columns: Mapping[str, Float64Array]) -> Scale:
        """That of a text."""
        means = np.array([column.mean() for column in columns.values()])
        return cls(tuple(columns), means, np.array([column.std() + _LEAST_DEVIATION for column in columns.values()]))

    def apply(self, columns: Mapping[str, Float64Array]) -> Float32Array:
        """Rows × inputs, cut at both ends.

        Raises:
            QueryError: an input is missing.
        """
        missing = [name for name in self.names if name not in columns]
        if missing:
            raise QueryError(f"the gate was fitted with inputs that are missing here: {', '.join(missing)}")
        scaled = (np.stack([columns[name] for name in self.names], axis=1) - self.means) / self.deviations
        return np.clip(scaled, -_FARTHEST, _FARTHEST).astype(np.float32)


@dataclass(frozen=True)
class Gate:
    """A network's weights, drawn towards those of a table.

    Attributes:
        table: by few classes, so that it is good everywhere.
        network: the gate proper.
        scale: of its inputs.
        table_share: from 0, the network alone, to 1, the table alone; what was best on text held out.
    """

    table: WeightTable
    network: Network
    scale: Scale
    table_share: float

    def weights(self, evidence: Evidence, models: Sequence[str]) -> Float64Array:
        """Positions × models; rows sum to one.

        Raises:
            QueryError: an input that the gate was fitted with is missing.
        """
        of_network = self.network.weights(self.scale.apply(gate_inputs(evidence, models)))
        return (1 - self.table_share) * of_network + self.table_share * self.table.weights(evidence, models)

    def as_json(self) -> dict[str, Any]:
        """What `from_json` reads."""
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
        """The gate that `as_json` wrote; any wrong shape raises KeyError, TypeError or ValueError."""
        names = tuple(map(str, content["inputs"]))
        means, deviations = (np.asarray(content[name], dtype=np.float64) for name in ("means", "deviations"))
        share = float(content["table_share"])
        if means.shape != (len(names),) or deviations.shape != means.shape or not (deviations > 0).all():
            raise ValueError("means and deviations do not fit the inputs")
        if not 0 <= share <= 1:
            raise ValueError(f"table_share is {share}; expected 0 to 1")
        network = Network.from_json(content["network"], len(names), n_models)
        return cls(WeightTable.from_json(content["table"]), network, Scale(names, means, deviations), share)
