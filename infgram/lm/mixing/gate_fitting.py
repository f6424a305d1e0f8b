"""How a gate is fitted, and how far it is drawn towards the two weights of the paper's rule, of all its models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from infgram.lm.mixing.cross_validation import N_PARTS, parts_of
from infgram.lm.mixing.evidence import Evidence
from infgram.lm.mixing.gate import Gate, Scale
from infgram.lm.mixing.gate_inputs import gate_inputs
from infgram.lm.mixing.gate_network import Float32Array, Network
from infgram.lm.mixing.weight_table import fit_table, mixed
from infgram.types import Float64Array

Report: TypeAlias = Callable[[int, int], None]
"""Called with the epochs done and in all."""

N_UNITS: Final = 64
_FEWEST_EPOCHS: Final = 6
_MOST_EPOCHS: Final = 60
_ROWS_TO_SEE: Final = 100_000  # in all epochs together, where the text is short
_HALVINGS: Final = 20


def fit_gate(evidence: Evidence, models: Sequence[str], seed: int, progress: Report | None) -> Gate:
    """Train a network on all positions, and for each part of them one on the others.

    What the latter give their parts is what the network is worth on text that it was not trained on: by that, the
    share of the table is fitted, which is there for contexts unlike any of the text.
    """
    columns = gate_inputs(evidence, models)
    scale = Scale.of(columns)
    inputs = scale.apply(columns)
    log_probs = evidence.log_probs(models)
    possible = np.isfinite(log_probs.max(axis=1))
    parts = parts_of(evidence.document_starts)
    table = fit_table(evidence, models, "one" if evidence.suffixes is None else "sparse", parts == 0)
    n_epochs = min(_MOST_EPOCHS, max(_FEWEST_EPOCHS, _ROWS_TO_SEE // len(inputs)))
    of_networks = np.zeros(log_probs.shape)
    n_done = 0

    def trained(rows: npt.NDArray[np.bool_]) -> Network:
        nonlocal n_done
        network = Network.random(inputs.shape[1], N_UNITS, len(models), np.random.default_rng(seed))
        for _ in network.train(inputs[rows], _scaled(log_probs[rows]), n_epochs=n_epochs, seed=seed):
            n_done += 1
            if progress:
                progress(n_done, (N_PARTS + 1) * n_epochs)
        return network

    for part in range(N_PARTS):
        of_networks[parts == part] = trained(possible & (parts != part)).weights(inputs[parts == part])
    of_table = table.weights(evidence, models)
    share = _table_share(log_probs[possible], of_networks[possible], of_table[possible])
    return Gate(table=table, network=trained(possible), scale=scale, table_share=share)


def _scaled(log_probs: Float64Array) -> Float32Array:
    """Probabilities of which the highest of each row is 1."""
    return np.asarray(np.exp(log_probs - log_probs.max(axis=1, keepdims=True)), dtype=np.float32)


def _table_share(log_probs: Float64Array, of_network: Float64Array, of_table: Float64Array) -> float:
    """The weight of the table's mixture beside the network's that makes the positions most probable, by bisection."""
    both = np.stack([mixed(log_probs, of_network), mixed(log_probs, of_table)], axis=1)
    network, table = np.exp(both - both.max(axis=1, keepdims=True)).T
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        share = (low + high) / 2
        gains = (table - network) / ((1 - share) * network + share * table)
        low, high = (share, high) if gains.sum() > 0 else (low, share)
    return (low + high) / 2
