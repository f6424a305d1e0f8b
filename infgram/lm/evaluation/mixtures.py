"""The mixtures that an evaluation compares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from infgram.lm.mixing.interpolator import By

NEURAL: Final = "neural"
INFGRAM: Final = "infgram"
KNESER_NEY: Final = "kneser_ney"
KNESER_NEY_5: Final = "kneser_ney_5"
WITTEN_BELL: Final = "witten_bell"
LOG_LINEAR: Final = "log_linear"
CACHE: Final = "cache"

MODEL_TITLES: Final = {
    NEURAL: "Neural model",
    INFGRAM: "∞-gram",
    KNESER_NEY: "Kneser–Ney, all lengths",
    KNESER_NEY_5: "Kneser–Ney, 5-gram",
    WITTEN_BELL: "Witten–Bell, all lengths",
    LOG_LINEAR: "Neural model and Kneser–Ney, log-linear",
    CACHE: "Cache of the document",
}

_ALL: Final = (NEURAL, INFGRAM, KNESER_NEY, KNESER_NEY_5, WITTEN_BELL)
_GATED: Final = (*_ALL, LOG_LINEAR)


class Mixture(NamedTuple):
    """Which models are mixed, and what their weights depend on.

    Attributes:
        name: its key in the results.
        title: for people.
        by: as `Interpolator.fit` has it.
        models: in the order of the weights.
    """

    name: str
    title: str
    by: By
    models: tuple[str, ...]


PAPER: Final = Mixture("paper", "∞-gram, the paper’s rule", "sparse", (NEURAL, INFGRAM))
"""Two weights, for sparse contexts and the others: what every other mixture is compared with."""

MIXTURES: Final = (
    PAPER,
    Mixture("kn5", "Kneser–Ney 5-gram, one weight", "one", (NEURAL, KNESER_NEY_5)),
    Mixture("smoothed", "Kneser–Ney over all lengths, one weight", "one", (NEURAL, KNESER_NEY)),
    Mixture("classes", "All models of the index, by class", "class", _ALL),
    Mixture("classes_cache", "All models and the cache, by class", "class", (*_ALL, CACHE)),
    Mixture("gated_index", "All models of the index, gate", "gate", _GATED),
    Mixture("gated", "All models and the cache, gate", "gate", (*_GATED, CACHE)),
)


def possible_mixtures(models: Sequence[str]) -> list[Mixture]:
    """Those of at least two of the given models; what needs the neural model is left out without it."""
    found = []
    for mixture in MIXTURES:
        present = tuple(name for name in mixture.models if name in models)
        if len(present) == len(mixture.models) or (mixture.by in ("class", "gate") and len(present) > 1):
            found.append(mixture._replace(models=present))
    return found
