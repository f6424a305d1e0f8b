"""How a gate is fitted: when training stops, and how far it is drawn towards the table of classes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from infgram.lm.context_classes import Grouping
from infgram.lm.evidence import Evidence
from infgram.lm.gate import Gate, Scale
from infgram.lm.gate_inputs import gate_inputs
from infgram.lm.network import Float32Array, Network
from infgram.lm.table import fit_table, mixed
from infgram.types import Float64Array

Report: TypeAlias = Callable[[int, int], None]
"""Called with the epochs done and those there may be."""

N_UNITS: Final = 64
_MOST_EPOCHS: Final = 10
_ROUNDS: Final = 60
_FIRST_SHARE: Final = 0.1


class _Rows(NamedTuple):
    """Positions to train or judge on: the inputs there, and what each model gave the token that came."""

    inputs: Float32Array
    log_probs: Float64Array

    def at(self, places: npt.NDArray[np.bool_]) -> _Rows:
        return _Rows(self.inputs[places], self.log_probs[places])


def fit_gate(
    evidence: Evidence, models: Sequence[str], held: npt.NDArray[np.bool_], seed: int, progress: Report | None
) -> Gate:
    """Train on the positions that are not held out until those that are no longer gain; then as long on all.

    How much of the table's weights is mixed in is fitted on the held-out positions, too, where neither was trained.
    """
    columns = gate_inputs(evidence, models)
    scale = Scale.of(columns)
    rows = _Rows(scale.apply(columns), evidence.log_probs(models))
    possible = np.isfinite(rows.log_probs.max(axis=1))
    fitted, judged = possible & ~held, possible & held
    n_epochs, of_network = _stopped_in_time(rows.at(fitted), rows.at(judged), seed, progress)
    grouping: Grouping = "one" if evidence.suffixes is None else "class"
    tables = fit_table(evidence, models, grouping, held)
    of_table = tables.of_the_others.weights(evidence, models)[judged]
    return Gate(
        table=tables.table,
        network=_trained(rows.at(possible), n_epochs, seed, progress),
        scale=scale,
        table_share=_table_share(rows.log_probs[judged], of_network, of_table),
    )


def _stopped_in_time(fitted: _Rows, judged: _Rows, seed: int, progress: Report | None) -> tuple[int, Float64Array]:
    """After how many epochs the judged rows are most probable, and the weights there then."""
    network = _new_network(fitted, seed)
    best_loss, best_epochs, best_weights = np.inf, 1, network.weights(judged.inputs)
    for n_epochs in network.train(*_to_train(fitted), n_epochs=_MOST_EPOCHS, seed=seed):
        weights = network.weights(judged.inputs)
        loss = -float(mixed(judged.log_probs, weights).sum())
        if loss < best_loss:
            best_loss, best_epochs, best_weights = loss, n_epochs, weights
        if progress:
            progress(n_epochs, 2 * _MOST_EPOCHS)
    return best_epochs, best_weights


def _trained(rows: _Rows, n_epochs: int, seed: int, progress: Report | None) -> Network:
    network = _new_network(rows, seed)
    for done in network.train(*_to_train(rows), n_epochs=_MOST_EPOCHS, seed=seed):
        if progress:
            progress(_MOST_EPOCHS + done, 2 * _MOST_EPOCHS)
        if done == n_epochs:
            break
    return network


def _new_network(rows: _Rows, seed: int) -> Network:
    return Network.random(rows.inputs.shape[1], N_UNITS, rows.log_probs.shape[1], np.random.default_rng(seed))


def _to_train(rows: _Rows) -> tuple[Float32Array, Float32Array]:
    """Inputs, and probabilities of which the highest of each row is 1."""
    return rows.inputs, np.exp(rows.log_probs - rows.log_probs.max(axis=1, keepdims=True)).astype(np.float32)


def _table_share(log_probs: Float64Array, of_network: Float64Array, of_table: Float64Array) -> float:
    """The weight of the table's mixture beside the network's that makes the positions most probable."""
    if not len(log_probs):
        return 1.0
    both = np.stack([mixed(log_probs, of_network), mixed(log_probs, of_table)], axis=1)
    scaled = np.exp(both - both.max(axis=1, keepdims=True))
    share = _FIRST_SHARE
    for _ in range(_ROUNDS):
        joint = scaled * (1 - share, share)
        share = float((joint[:, 1] / joint.sum(axis=1)).mean())
    return share
