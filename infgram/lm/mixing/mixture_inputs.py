"""The inputs of a mixture: scores of several models at the same positions, and the index's counts of each context."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from infgram.arguments import instance, mapping, several, text
from infgram.errors import QueryError
from infgram.lm.types import PositionScores, SuffixFeatures
from infgram.reprs import ShortRepr
from infgram.types import Float64Array, Int64Array

N_FOLDS: Final = 3


@dataclass(frozen=True)
class MixtureInputs(ShortRepr):
    """Scores of several models at the same positions, from which weights are fitted and computed.

    Attributes:
        scores: by the name of the model.
        suffixes: the index's counts of each context, as `suffix_features` returns them; classes and gate use them.

    Raises:
        QueryError: there is no model, or the parts have different positions.
    """

    scores: Mapping[str, PositionScores]
    suffixes: SuffixFeatures | None = None

    def __post_init__(self) -> None:
        for name, part in mapping(self.scores, "scores", "names of models to their PositionScores").items():
            instance(part, f"scores[{name!r}]", PositionScores, "the PositionScores of a model")
        if self.suffixes is not None:
            instance(self.suffixes, "suffixes", SuffixFeatures, "the result of suffix_features")
        if not self.scores:
            raise QueryError("scores is empty; expected the scores of at least one model")
        first_name, first = next(iter(self.scores.items()))
        starts = {name: part.document_starts for name, part in self.scores.items()}
        if self.suffixes:
            starts["suffixes"] = self.suffixes.document_starts
        for name, part_starts in starts.items():
            if not np.array_equal(part_starts, first.document_starts):
                raise QueryError(
                    f"{name!r} and {first_name!r} have different positions; evaluate both on the same documents"
                )
        for name, column in (pair for part in self.scores.values() for pair in part.inputs.items()):
            if column.shape != (self.n_positions,) or not np.isfinite(column).all():
                raise QueryError(
                    f"the gate input {name!r} must have one finite number for each of {self.n_positions} positions"
                )

    @property
    def n_positions(self) -> int:
        """Number of positions."""
        return next(iter(self.scores.values())).n_positions

    @property
    def document_starts(self) -> Int64Array:
        """First position of each document, as in `PositionScores`."""
        return next(iter(self.scores.values())).document_starts

    def log_probs(self, models: Sequence[str]) -> Float64Array:
        """Return the models' log-probabilities: float64, positions × models, in nats.

        Raises:
            QueryError: a model is missing.
        """
        for name in several(models, "models", "names of models"):
            text(name, "the name of a model")
        missing = [name for name in models if name not in self.scores]
        if missing:
            raise QueryError(f"no scores of {', '.join(missing)}; there are scores of {', '.join(self.scores)}")
        return np.stack([self.scores[name].log_probs for name in models], axis=1)


def folds_of(document_starts: Int64Array) -> Int64Array:
    """Return the fold of each position for cross-validation: int64, 0 to `N_FOLDS` − 1.

    Folds consist of whole documents and have about the same number of positions. If one document has more positions
    than a fold should have, every document is divided among the folds.
    """
    sizes = np.diff(document_starts)
    n_positions = int(sizes.sum())
    if n_positions and N_FOLDS * sizes.max() > n_positions:
        return np.concatenate([np.arange(size) * N_FOLDS // max(1, size) for size in sizes.tolist()])
    folds = np.zeros(len(sizes), dtype=np.int64)
    fold_sizes = np.zeros(N_FOLDS, dtype=np.int64)
    for document in np.argsort(-sizes, kind="stable").tolist():
        folds[document] = fold_sizes.argmin()
        fold_sizes[folds[document]] += sizes[document]
    return np.repeat(folds, sizes)
