"""Inputs of the gate: numbers that are known before the token is predicted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from infgram.lm.mixing.mixture_inputs import MixtureInputs
from infgram.lm.positions import spans
from infgram.types import Float64Array, Int64Array

HORIZONS: Final = (1.0, 8.0, 64.0)
"""Horizons, in positions, over which the models' recent losses are averaged."""

_MIN_LOG_PROB: Final = -12.0  # nats; replaces the −inf of impossible tokens
_BLOCK: Final = 128  # positions per matrix product


def gate_inputs(inputs: MixtureInputs, models: Sequence[str]) -> dict[str, Float64Array]:
    """Return one float64 column per input, by name.

    They are the models' entropies, extra inputs and recent losses, the counts of the suffixes, and the offset in the
    document.
    """
    columns = {"log offset": np.log1p(_offsets(inputs))}
    for name in models:
        entropies = inputs.scores[name].entropies
        if np.isfinite(entropies).all() and inputs.n_positions:
            columns[f"entropy of {name}"] = entropies
        columns.update(inputs.scores[name].inputs)
    return {**columns, **_suffix_columns(inputs), **_history_columns(inputs, models)}


def running_averages(values: Float64Array, document_starts: Int64Array, horizon: float) -> Float64Array:
    """Return, for each position, the exponentially decaying average of the earlier rows of its document.

    With a = 1 − 1/horizon, y[t + 1] = a · y[t] + (1 − a) · x[t], and y is 0 at the start of each document. Row t does
    not depend on x[t].

    Args:
        values: float64, positions × columns.
        document_starts: first position of each document, as in `PositionScores`.
        horizon: in positions, at least 1; 1 means the previous row alone.

    Returns:
        float64, positions × columns.
    """
    keep = 1.0 - 1.0 / horizon
    steps = np.arange(_BLOCK)
    age = steps[:, None] - steps[None, :] - 1
    within = np.where(age >= 0, (1.0 - keep) * keep ** np.maximum(age, 0).astype(np.float64), 0.0)
    decay = keep ** steps.astype(np.float64)
    averages = np.zeros_like(values)
    for begin, end in spans(document_starts):
        carried = np.zeros(values.shape[1])
        for first in range(begin, end, _BLOCK):
            rows = values[first : min(first + _BLOCK, end)]
            n = len(rows)
            averages[first : first + n] = within[:n, :n] @ rows + decay[:n, None] * carried
            carried = keep * averages[first + n - 1] + (1.0 - keep) * rows[-1]
    return averages


def _suffix_columns(inputs: MixtureInputs) -> dict[str, Float64Array]:
    suffixes = inputs.suffixes
    if suffixes is None:
        return {}
    columns = {"log suffix length": np.log1p(suffixes.suffix_lengths)}
    for length in (1, 2, 4, 8, 16):
        columns[f"suffix of {length}"] = (suffixes.suffix_lengths >= length).astype(np.float64)
    by_length = [
        ("longest", suffixes.context_counts, suffixes.n_distinct, suffixes.top_counts),
        *(
            (
                str(length),
                suffixes.fixed_context_counts[:, column],
                suffixes.fixed_n_distinct[:, column],
                suffixes.fixed_top_counts[:, column],
            )
            for column, length in enumerate(suffixes.lengths)
        ),
    ]
    for name, counts, n_distinct, likeliest in by_length:
        columns[f"log count {name}"] = np.log1p(counts)
        columns[f"distinct {name}"] = n_distinct / np.maximum(counts, 1)
        columns[f"likeliest {name}"] = likeliest / np.maximum(counts, 1)
    return columns


def _history_columns(inputs: MixtureInputs, models: Sequence[str]) -> dict[str, Float64Array]:
    """Average recent log-probabilities: of the models' mean probability, and of each model relative to that."""
    log_probs = np.maximum(inputs.log_probs(models), _MIN_LOG_PROB)
    of_mean = np.log(np.exp(log_probs).mean(axis=1, keepdims=True))
    values = np.concatenate([log_probs - of_mean, of_mean], axis=1)
    columns = {}
    for horizon in HORIZONS:
        averages = running_averages(values, inputs.document_starts, horizon)
        for number, name in enumerate([*models, "all"]):
            columns[f"{name} over the last {horizon:g}"] = averages[:, number]
    return columns


def _offsets(inputs: MixtureInputs) -> Float64Array:
    """Offset of each position's token in its document."""
    starts = inputs.document_starts
    return (np.arange(inputs.n_positions) - np.repeat(starts[:-1], np.diff(starts)) + 1).astype(np.float64)
