"""Agreement of the ∞-gram, calibration of a model, and near copies of documents in the corpus."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from infgram.lm.mixing.weight_table import length_class, length_class_name
from infgram.lm.positions import spans
from infgram.lm.types import PositionScores, SuffixFeatures
from infgram.reprs import ShortRepr

_BINS: Final = 10
NEAR_COPY_TOKENS: Final = 13
"""Length of the n-grams by which near copies are found."""
NEAR_COPY_SHARE: Final = 0.8
"""Minimum share of a near copy's 13-grams that occur in the corpus, as in the Big Friendly Filter."""


@dataclass(frozen=True)
class Agreement(ShortRepr):
    """Share of positions whose token has more than half of the ∞-gram's probability, for one class of effective n.

    Attributes:
        effective_n: `"5"`, `"9–12"`, or `"all"`.
        n_positions: positions of this class.
        agreement: the share; a lower bound of the accuracy of the most probable token.
        n_sparse: positions of this class with one distinct continuation.
        sparse_agreement: the share among these; NaN if there are none.
    """

    effective_n: str
    n_positions: int
    agreement: float
    n_sparse: int
    sparse_agreement: float


@dataclass(frozen=True)
class CalibrationBin(ShortRepr):
    """Positions of similar entropy: one of ten bins of equal size.

    Attributes:
        n_positions: positions of the bin.
        expected: mean entropy of the model, which is its expected loss, in bits.
        actual: mean loss of the model in bits.
    """

    n_positions: int
    expected: float
    actual: float


@dataclass(frozen=True)
class NearCopy(ShortRepr):
    """A document of the text that is a near copy of text in the corpus.

    Attributes:
        document: number of the document in the text.
        share: share of its 13-grams that occur in the index.
    """

    document: int
    share: float


def agreement(suffixes: SuffixFeatures) -> tuple[Agreement, ...]:
    """Return the agreement for each class of effective n, and last for all positions."""
    agrees = 2 * suffixes.continuation_counts > suffixes.context_counts
    sparse = suffixes.n_distinct == 1
    lengths = length_class(suffixes.suffix_lengths)
    classes = [(length_class_name(number), lengths == number) for number in np.unique(lengths).tolist()]
    rows = []
    for name, selected in [*classes, ("all", np.ones_like(agrees))]:
        n_sparse = int((selected & sparse).sum())
        rows.append(
            Agreement(
                effective_n=name,
                n_positions=int(selected.sum()),
                agreement=float(agrees[selected].mean()),
                n_sparse=n_sparse,
                sparse_agreement=float(agrees[selected & sparse].mean()) if n_sparse else float("nan"),
            )
        )
    return tuple(rows)


def calibration(scores: PositionScores) -> tuple[CalibrationBin, ...]:
    """Return expected and actual loss in bins of equal size; empty if entropies were not computed.

    The actual loss of a bin is infinite if the model gives one of its tokens probability 0.
    """
    if not np.isfinite(scores.entropies).all():
        return ()
    order = np.argsort(scores.entropies, kind="stable")
    return tuple(
        CalibrationBin(
            n_positions=len(positions),
            expected=float(scores.entropies[positions].mean() / np.log(2)),
            actual=float(-scores.log_probs[positions].mean() / np.log(2)),
        )
        for positions in np.array_split(order, _BINS)
        if len(positions)
    )


def near_copies(suffixes: SuffixFeatures) -> tuple[NearCopy, ...]:
    """Return the documents of whose 13-grams, without the last one, at least 80% occur in the index."""
    copies = []
    for document, (begin, end) in enumerate(spans(suffixes.document_starts)):
        lengths = suffixes.suffix_lengths[begin:end][NEAR_COPY_TOKENS - 1 :]
        share = float((lengths >= NEAR_COPY_TOKENS).mean()) if len(lengths) else 0.0
        if share >= NEAR_COPY_SHARE:
            copies.append(NearCopy(document, share))
    return tuple(copies)
