"""All that is known of some scored positions: what each model said, and what the context was like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from infgram.arguments import instance, mapping, several, text
from infgram.errors import QueryError
from infgram.lm.types import PositionScores, SuffixFeatures
from infgram.reprs import ShortRepr
from infgram.types import Float64Array, Int64Array


@dataclass(frozen=True)
class Evidence(ShortRepr):
    """Several models' scores of the same positions.

    Attributes:
        scores: by the name of the model.
        suffixes: the index's view of each context; what classes and the gate go by.

    Raises:
        QueryError: there is no model, or the parts are not of the same positions.
    """

    scores: Mapping[str, PositionScores]
    suffixes: SuffixFeatures | None = None

    def __post_init__(self) -> None:
        for name, part in mapping(self.scores, "scores", "names of models to their PositionScores").items():
            instance(part, f"scores[{name!r}]", PositionScores, "the PositionScores of a model")
        if self.suffixes is not None:
            instance(self.suffixes, "suffixes", SuffixFeatures, "what suffix_features gives")
        if not self.scores:
            raise QueryError("no model was given; expected at least one")
        first_name, first = next(iter(self.scores.items()))
        starts = {name: part.document_starts for name, part in self.scores.items()}
        if self.suffixes:
            starts["suffixes"] = self.suffixes.document_starts
        for name, found in starts.items():
            if not np.array_equal(found, first.document_starts):
                raise QueryError(f"{name!r} and {first_name!r} were not evaluated on the same documents; do so")
        for name, column in (pair for part in self.scores.values() for pair in part.inputs.items()):
            if column.shape != (self.n_positions,) or not np.isfinite(column).all():
                raise QueryError(
                    f"the input {name!r} is not one finite number for each of {self.n_positions} positions"
                )

    @property
    def n_positions(self) -> int:
        """How many positions there are."""
        return next(iter(self.scores.values())).n_positions

    @property
    def document_starts(self) -> Int64Array:
        """As `PositionScores` has it."""
        return next(iter(self.scores.values())).document_starts

    def log_probs(self, models: Sequence[str]) -> Float64Array:
        """Positions × models, nats.

        Raises:
            QueryError: a model is missing.
        """
        for name in several(models, "models", "names of models"):
            text(name, "the name of a model")
        missing = [name for name in models if name not in self.scores]
        if missing:
            raise QueryError(f"no scores of {', '.join(missing)}; found those of {', '.join(self.scores)}")
        return np.stack([self.scores[name].log_probs for name in models], axis=1)
