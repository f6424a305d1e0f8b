"""Several language models as one: the mean of their probabilities, weighted by context."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import numpy as np

from infgram.arguments import callback, checked_seed, choice, instance, mapping, real, several, text
from infgram.arguments import path as checked_path
from infgram.errors import InputError, QueryError
from infgram.files.signed_json import take_digest, write_signed
from infgram.lm.mixing.context_classes import class_levels, length_class, length_class_name
from infgram.lm.mixing.cross_validation import parts_of
from infgram.lm.mixing.evidence import Evidence
from infgram.lm.mixing.gate import Gate
from infgram.lm.mixing.gate_fitting import Report, fit_gate
from infgram.lm.mixing.weight_table import WeightTable, fit_table, mixed
from infgram.reprs import ShortRepr
from infgram.types import Float64Array, Int64Array

By: TypeAlias = Literal["one", "sparse", "class", "gate"]
"""What the weights depend on."""

FORMAT: Final = "infgram interpolator"
VERSION: Final = 1

_WAYS: Final = ("one", "sparse", "class", "gate")


@dataclass(frozen=True)
class ClassGain(ShortRepr):
    """What the mixture gains in one class of contexts.

    Attributes:
        name: the class.
        n_positions: of the text that are in it.
        bits: mean bits a token that the mixture saves against the model it is compared with.
        weights: mean weight of each model there.
    """

    name: str
    n_positions: int
    bits: float
    weights: Mapping[str, float]


class Interpolator(ShortRepr):
    """Mixes the probabilities that models give to a token: p = Σ weight · p_model, the weights summing to one.

    Made by `fit` or `load`. Immutable.

    Attributes:
        models: the names of the models, in the order of the weights.
        by: what the weights depend on.

    Examples:
        >>> import numpy as np
        >>> from infgram.lm import Evidence, Interpolator, PositionScores
        >>> def scores(probabilities):
        ...     n = len(probabilities)
        ...     return PositionScores(np.log(probabilities), np.full(n, np.nan), np.array([0, n]))
        >>> evidence = Evidence({"a": scores([0.5, 0.2, 0.5]), "b": scores([0.1, 0.4, 0.1])})
        >>> mixture = Interpolator.fit(evidence, by="one")
        >>> mixture.weights(evidence)[0].round(2).tolist()
        [0.75, 0.25]
    """

    _repr_fields = ("models", "by")

    def __init__(self, models: Sequence[str], by: By, weighting: WeightTable | Gate) -> None:
        """Use `fit` or `load`."""
        self.models = tuple(models)
        self.by: By = by
        self._weighting = weighting

    @classmethod
    def fit(
        cls,
        evidence: Evidence,
        *,
        by: By = "gate",
        models: Sequence[str] | None = None,
        seed: int = 0,
        progress: Report | None = None,
    ) -> Interpolator:
        """The weights that make a validation text most probable.

        For 200,000 positions a table takes seconds and the gate less than a minute on two cores. Memory: about 1 kB
        a position for the gate.

        Args:
            evidence: the models on validation text, never on the text that is to be tested.
            by: `"one"` weight for all positions; `"sparse"`, two as in the infini-gram paper; `"class"`, by effective
                n, count and distinct continuations; `"gate"`, a network that sees these, the models' entropies, and
                how each model has done in the document so far. All but `"one"` need `evidence.suffixes`; a gate
                without it sees less.
            models: names to use; all of the evidence by default.
            seed: draws the gate's first parameters and the order of training.
            progress: called with epochs done and in all, for the gate.

        Raises:
            QueryError: the text has no position that any model holds possible, a model is missing, or `by` is unknown.
        """
        choice(by, "by", _WAYS)
        callback(progress, "progress")
        _checked_evidence(evidence)
        names = list(evidence.scores) if models is None else list(several(models, "models", "names of models"))
        number = checked_seed(seed)
        if not np.isfinite(evidence.log_probs(names)).any():
            raise QueryError("there is no position that any model holds possible; fit on more validation text")
        if by == "gate":
            return cls(names, by, fit_gate(evidence, names, number, progress))
        return cls(names, by, fit_table(evidence, names, by, parts_of(evidence.document_starts) == 0))

    @classmethod
    def fixed(cls, weights: Mapping[str, float]) -> Interpolator:
        """The same given weights everywhere.

        Raises:
            QueryError: they are negative or do not sum to one.
        """
        given = mapping(weights, "weights", "names of models to weights").items()
        row = np.array([real(weight, f"weights[{name!r}]") for name, weight in given], dtype=np.float64)
        if len(row) == 0 or not (row >= 0).all() or abs(row.sum() - 1) > 1e-9:
            raise QueryError(f"the weights are {dict(weights)}; expected numbers from 0 to 1 that sum to one")
        return cls(list(weights), "one", WeightTable("one", ({0: row},)))

    def weights(self, evidence: Evidence) -> Float64Array:
        """Positions × models; rows sum to one.

        Raises:
            QueryError: the evidence lacks a model, the suffixes, or an input of the gate.
        """
        return self._weighting.weights(_checked_evidence(evidence), self.models)

    def log_probs(self, evidence: Evidence) -> Float64Array:
        """The mixture's log-probability of every token that came, in nats; −inf where all models have −inf.

        Raises:
            QueryError: as `weights`.
        """
        weights = self.weights(evidence)
        return mixed(evidence.log_probs(self.models), weights)

    def gains(self, evidence: Evidence, *, over: str) -> tuple[ClassGain, ...]:
        """What the mixture gains over one model: in all, in sparse contexts and the others, and by effective n.

        Positions that the one model holds impossible make a gain infinite.

        Raises:
            QueryError: as `weights`, or there is no model of that name.
        """
        text(over, "over")
        weights = self.weights(evidence)
        saved = (mixed(evidence.log_probs(self.models), weights) - evidence.log_probs([over])[:, 0]) / np.log(2)
        groups: list[tuple[str, Int64Array]] = [("all", np.arange(evidence.n_positions))]
        if evidence.suffixes is not None:
            sparse = class_levels(evidence, "sparse")[0]
            lengths = length_class(evidence.suffixes.suffix_lengths)
            groups += [("sparse", np.flatnonzero(sparse)), ("not sparse", np.flatnonzero(sparse == 0))]
            groups += [
                (f"n = {length_class_name(number)}", np.flatnonzero(lengths == number))
                for number in np.unique(lengths).tolist()
            ]
        return tuple(
            ClassGain(
                name=name,
                n_positions=len(places),
                bits=float(saved[places].mean()),
                weights=dict(zip(self.models, weights[places].mean(axis=0).tolist(), strict=True)),
            )
            for name, places in groups
            if len(places)
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write one JSON file, which carries its version and checksum, under its final name at once.

        Raises:
            StorageError: the operating system refused.
        """
        content = {
            "format": FORMAT,
            "version": VERSION,
            "models": list(self.models),
            "by": self.by,
            "weighting": self._weighting.as_json(),
        }
        write_signed(Path(checked_path(path, "path")), content)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Interpolator:
        """The interpolator that `save` wrote.

        Raises:
            InputError: no such file, or it is not what `save` writes: damaged, altered, of another version.
        """
        content = _read(Path(checked_path(path, "path")))
        try:
            models, by = [str(name) for name in content["models"]], content["by"]
            if by not in _WAYS:
                raise ValueError(f"by is {by!r}")
            weighting = (
                Gate.from_json(content["weighting"], len(models))
                if by == "gate"
                else WeightTable.from_json(content["weighting"])
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(f"{path}: the weights cannot be used ({error}); fit them again") from error
        return cls(models, by, weighting)


def _checked_evidence(evidence: Evidence) -> Evidence:
    return instance(evidence, "evidence", Evidence, "an Evidence: the models' scores of a text")


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: cannot be read as an interpolator: {error}") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise InputError(f"{path}: this is no interpolator; expected a file that Interpolator.save wrote")
    if content.get("version") != VERSION:
        raise InputError(f"{path}: version {content.get('version')!r}; this infgram reads version {VERSION}")
    if not take_digest(content):
        raise InputError(f"{path}: altered since it was written: its checksum is wrong; fit the weights again")
    return content
