"""What the gate looks at: columns of numbers, all known before the token that is predicted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from infgram.lm.mixing.evidence import Evidence
from infgram.lm.mixing.running_averages import running_averages
from infgram.types import Float64Array

HORIZONS: Final = (1.0, 8.0, 64.0)
"""Over how many positions the models' recent losses are averaged."""

_WORST: Final = -12.0  # nats: what an impossible token counts as


def gate_inputs(evidence: Evidence, models: Sequence[str]) -> dict[str, Float64Array]:
    """Columns by name: the models' entropies, own inputs and recent losses, and the counts of the suffixes."""
    offsets = _offsets(evidence)
    columns = {"log offset": np.log1p(offsets)}
    for name in models:
        entropies = evidence.scores[name].entropies
        if np.isfinite(entropies).all() and evidence.n_positions:
            columns[f"entropy of {name}"] = entropies
        columns.update(evidence.scores[name].inputs)
    return {**columns, **_suffix_columns(evidence), **_history_columns(evidence, models)}


def _suffix_columns(evidence: Evidence) -> dict[str, Float64Array]:
    suffixes = evidence.suffixes
    if suffixes is None:
        return {}
    columns = {"log suffix length": np.log1p(suffixes.suffix_lengths)}
    for length in (1, 2, 4, 8, 16):
        columns[f"suffix of {length}"] = (suffixes.suffix_lengths >= length).astype(np.float64)
    rungs = [
        ("longest", suffixes.context_counts, suffixes.n_distinct, suffixes.likeliest_counts),
        *(
            (
                str(length),
                suffixes.ladder_context_counts[:, column],
                suffixes.ladder_n_distinct[:, column],
                suffixes.ladder_likeliest_counts[:, column],
            )
            for column, length in enumerate(suffixes.lengths)
        ),
    ]
    for name, counts, n_distinct, likeliest in rungs:
        columns[f"log count {name}"] = np.log1p(counts)
        columns[f"distinct {name}"] = n_distinct / np.maximum(counts, 1)
        columns[f"likeliest {name}"] = likeliest / np.maximum(counts, 1)
    return columns


def _history_columns(evidence: Evidence, models: Sequence[str]) -> dict[str, Float64Array]:
    """Each model's recent log-probabilities, against the log of their mean probability; and that itself."""
    log_probs = np.maximum(evidence.log_probs(models), _WORST)
    together = np.log(np.exp(log_probs).mean(axis=1, keepdims=True))
    values = np.concatenate([log_probs - together, together], axis=1)
    columns = {}
    for horizon in HORIZONS:
        averages = running_averages(values, evidence.document_starts, horizon)
        for place, name in enumerate([*models, "all"]):
            columns[f"{name} over the last {horizon:g}"] = averages[:, place]
    return columns


def _offsets(evidence: Evidence) -> Float64Array:
    starts = evidence.document_starts
    return (np.arange(evidence.n_positions) - np.repeat(starts[:-1], np.diff(starts)) + 1).astype(np.float64)
