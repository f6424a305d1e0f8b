"""What is measured of a model besides its perplexity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from infgram.lm.mixing.context_classes import length_class, length_class_name
from infgram.lm.positions import spans
from infgram.lm.types import PositionScores, SuffixFeatures
from infgram.reprs import ShortRepr

_BINS: Final = 10
NEAR_COPY_TOKENS: Final = 13
"""The n-grams that near copies share with the corpus."""
NEAR_COPY_SHARE: Final = 0.8
"""From this share of its 13-grams on, a document is a near copy (the Big Friendly Filter's rule)."""


@dataclass(frozen=True)
class Agreement(ShortRepr):
    """How often the ∞-gram gives the token that came more than half of the probability, at one effective n.

    Attributes:
        effective_n: `"5"`, `"9–12"`, or `"all"`.
        n_positions: of this n.
        agreement: share of them; a lower bound of how often it is the most probable one.
        n_sparse: those where one token alone ever followed.
        sparse_agreement: share of these; NaN where there are none.
    """

    effective_n: str
    n_positions: int
    agreement: float
    n_sparse: int
    sparse_agreement: float


@dataclass(frozen=True)
class CalibrationBin(ShortRepr):
    """Positions at which a model expects about the same loss.

    Attributes:
        n_positions: how many; about a tenth of all.
        expected: mean entropy of the model there: the loss that it expects, bits.
        actual: mean loss there, bits.
    """

    n_positions: int
    expected: float
    actual: float


@dataclass(frozen=True)
class NearCopy(ShortRepr):
    """A document that the corpus nearly holds.

    Attributes:
        document: its number in the text.
        share: of its 13-grams, those that occur in the index.
    """

    document: int
    share: float


def agreement(suffixes: SuffixFeatures) -> tuple[Agreement, ...]:
    """By effective n, and for all positions at the end."""
    agrees = 2 * suffixes.continuation_counts > suffixes.context_counts
    sparse = suffixes.n_distinct == 1
    lengths = length_class(suffixes.suffix_lengths)
    classes = [(length_class_name(number), lengths == number) for number in np.unique(lengths).tolist()]
    rows = []
    for name, places in [*classes, ("all", np.ones_like(agrees))]:
        n_sparse = int((places & sparse).sum())
        rows.append(
            Agreement(
                effective_n=name,
                n_positions=int(places.sum()),
                agreement=float(agrees[places].mean()),
                n_sparse=n_sparse,
                sparse_agreement=float(agrees[places & sparse].mean()) if n_sparse else float("nan"),
            )
        )
    return tuple(rows)


def calibration(scores: PositionScores) -> tuple[CalibrationBin, ...]:
    """Expected against actual loss, in bins of equal size; empty where entropies were not asked for.

    Where the model held the token impossible, the actual loss of its bin is infinite.
    """
    if not np.isfinite(scores.entropies).all():
        return ()
    order = np.argsort(scores.entropies, kind="stable")
    return tuple(
        CalibrationBin(
            n_positions=len(places),
            expected=float(scores.entropies[places].mean() / np.log(2)),
            actual=float(-scores.log_probs[places].mean() / np.log(2)),
        )
        for places in np.array_split(order, _BINS)
        if len(places)
    )


def near_copies(suffixes: SuffixFeatures) -> tuple[NearCopy, ...]:
    """Documents of whose 13-grams (but the last) at least 80% occur in the index."""
    found = []
    for document, (begin, end) in enumerate(spans(suffixes.document_starts)):
        lengths = suffixes.suffix_lengths[begin:end][NEAR_COPY_TOKENS - 1 :]
        share = float((lengths >= NEAR_COPY_TOKENS).mean()) if len(lengths) else 0.0
        if share >= NEAR_COPY_SHARE:
            found.append(NearCopy(document, share))
    return tuple(found)
