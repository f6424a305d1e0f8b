"""Linear interpolation of language models: the weighted mean of their probabilities, with weights by context."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import numpy as np

from infgram.arguments import (
    callback,
    checked_seed,
    choice,
    instance,
    mapping,
    path as checked_path,
    real,
    several,
    text,
)
from infgram.errors import InputError, QueryError
from infgram.files.signed_json import read_json, take_digest, write_signed
from infgram.index import Index
from infgram.lm.mixing.gate import Gate, Report, fit_gate
from infgram.lm.mixing.mixture_inputs import MixtureInputs, folds_of
from infgram.lm.mixing.weight_table import (
    ContextCounts,
    WeightTable,
    class_levels,
    fit_table,
    length_class,
    length_class_name,
    mix,
)
from infgram.reprs import ShortRepr
from infgram.types import Float64Array, Int64Array, Query

By: TypeAlias = Literal["one", "sparse", "class", "gate"]
"""What the weights depend on: nothing, sparsity of the context, its class, or all inputs of a gate."""

FORMAT: Final = "infgram interpolator"
VERSION: Final = 1

_GATE_REFUSED: Final = "a gate cannot be used for generation; fit the weights by 'class'"
_BY: Final = ("one", "sparse", "class", "gate")


@dataclass(frozen=True)
class ClassGain(ShortRepr):
    """Gain of the mixture in one class of contexts.

    Attributes:
        name: the class.
        n_positions: positions of the text in this class.
        bits: mean gain in bits per token over the model that the mixture is compared with.
        weights: mean weight of each model in this class.
    """

    name: str
    n_positions: int
    bits: float
    weights: Mapping[str, float]


class Interpolator(ShortRepr):
    """Linear interpolation of language models: p = Σ weight · p_model, with weights that sum to one.

    Create one with `fit`, `fixed` or `load`. Immutable.

    Attributes:
        models: the names of the models, in the order of the weights.
        by: what the weights depend on.

    Examples:
        >>> import numpy as np
        >>> from infgram.lm import MixtureInputs, Interpolator, PositionScores
        >>> def scores(probabilities):
        ...     n = len(probabilities)
        ...     return PositionScores(np.log(probabilities), np.full(n, np.nan), np.array([0, n]))
        >>> inputs = MixtureInputs({"a": scores([0.5, 0.2, 0.5]), "b": scores([0.1, 0.4, 0.1])})
        >>> mixture = Interpolator.fit(inputs, by="one")
        >>> mixture.weights(inputs)[0].round(2).tolist()
        [0.75, 0.25]
    """

    _repr_fields = ("models", "by")

    def __init__(self, models: Sequence[str], by: By, weighting: WeightTable | Gate) -> None:
        """Use `fit`, `fixed` or `load`."""
        self.models = tuple(models)
        self.by: By = by
        self._weighting = weighting

    @classmethod
    def fit(
        cls,
        inputs: MixtureInputs,
        *,
        by: By = "gate",
        models: Sequence[str] | None = None,
        seed: int = 0,
        progress: Report | None = None,
    ) -> Interpolator:
        """Fit the weights that maximize the likelihood of a validation text.

        For 200,000 positions a table takes seconds, and a gate less than a minute on two cores. A gate takes about
        1 kB of memory per position.

        Args:
            inputs: the models on validation text, which must not contain the test text.
            by: `"one"` weight per model for all positions; `"sparse"`, two, as in the infini-gram paper; `"class"`, by
                effective n, count and distinct continuations; `"gate"`, a network whose inputs are these counts, the
                models' entropies, and each model's recent losses in the document. All but `"one"` require
                `inputs.suffixes`; a gate without it has fewer inputs.
            models: names of the models; all models of the inputs by default.
            seed: of the gate's initial parameters and of the training order.
            progress: called with the finished and the total number of epochs of a gate.

        Raises:
            QueryError: every model gives every position probability 0, a model is missing, or `by` is unknown.
        """
        choice(by, "by", _BY)
        callback(progress, "progress")
        _checked_inputs(inputs)
        names = list(inputs.scores) if models is None else list(several(models, "models", "names of models"))
        number = checked_seed(seed)
        if not np.isfinite(inputs.log_probs(names)).any():
            raise QueryError("every model gives every position probability 0; fit on more validation text")
        if by == "gate":
            return cls(names, by, fit_gate(inputs, names, number, progress))
        return cls(names, by, fit_table(inputs, names, by, folds_of(inputs.document_starts) == 0))

    @classmethod
    def fixed(cls, weights: Mapping[str, float]) -> Interpolator:
        """Create an interpolator with given constant weights.

        Raises:
            QueryError: a weight is negative, or they do not sum to one.
        """
        given = mapping(weights, "weights", "names of models to weights").items()
        row = np.array([real(weight, f"weights[{name!r}]") for name, weight in given], dtype=np.float64)
        if len(row) == 0 or not (row >= 0).all() or abs(row.sum() - 1) > 1e-9:
            raise QueryError(f"the weights are {dict(weights)}; expected numbers from 0 to 1 that sum to one")
        return cls(list(weights), "one", WeightTable("one", ({0: row},)))

    def weights(self, inputs: MixtureInputs) -> Float64Array:
        """Return the weights: float64, positions × models; rows sum to one.

        Raises:
            QueryError: a model, the suffixes, or an input of the gate is missing.
        """
        _checked_inputs(inputs)
        if isinstance(self._weighting, Gate):
            return self._weighting.weights(inputs, self.models)
        return self._weighting.weights(inputs.suffixes, inputs.n_positions, len(self.models))

    def next_token_weights(self, index: Index, context: Query) -> Float64Array:
        """Return the weight of each model for the token after a context: float64, in the order of `models`.

        The class of the context follows from the counts of its longest suffix.

        Raises:
            QueryError: this is a gate, whose weights depend on the models' losses so far.
        """
        found = index.infgram_distribution(context, top_k=0)
        counts = (found.suffix_length, found.context_count, found.n_distinct)
        if isinstance(self._weighting, Gate):
            raise QueryError(_GATE_REFUSED)
        contexts = ContextCounts(*(np.array([count]) for count in counts))
        weights: Float64Array = self._weighting.weights(contexts, 1, len(self.models))[0]
        return weights

    def log_probs(self, inputs: MixtureInputs) -> Float64Array:
        """Return the mixture's log-probability of each position's token: float64 nats; −inf if all models have −inf.

        Raises:
            QueryError: as for `weights`.
        """
        weights = self.weights(inputs)
        return mix(inputs.log_probs(self.models), weights)

    def gains(self, inputs: MixtureInputs, *, over: str) -> tuple[ClassGain, ...]:
        """Return the mixture's gain over one model: for all positions, by sparsity of the context, and by effective n.

        A gain is infinite if the model gives a token of the class probability 0.

        Raises:
            QueryError: as for `weights`, or there is no model named `over`.
        """
        text(over, "over")
        weights = self.weights(inputs)
        gain_bits = (mix(inputs.log_probs(self.models), weights) - inputs.log_probs([over])[:, 0]) / np.log(2)
        groups: list[tuple[str, Int64Array]] = [("all", np.arange(inputs.n_positions))]
        if inputs.suffixes is not None:
            sparse = class_levels(inputs.suffixes, inputs.n_positions, "sparse")[0]
            lengths = length_class(inputs.suffixes.suffix_lengths)
            groups += [("sparse", np.flatnonzero(sparse)), ("not sparse", np.flatnonzero(sparse == 0))]
            groups += [
                (f"n = {length_class_name(number)}", np.flatnonzero(lengths == number))
                for number in np.unique(lengths).tolist()
            ]
        return tuple(
            ClassGain(
                name=name,
                n_positions=len(positions),
                bits=float(gain_bits[positions].mean()),
                weights=dict(zip(self.models, weights[positions].mean(axis=0).tolist(), strict=True)),
            )
            for name, positions in groups
            if len(positions)
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write one JSON file with version and checksum, atomically.

        Raises:
            StorageError: the file cannot be written.
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
        """Read an interpolator that `save` wrote.

        Raises:
            InputError: the file does not exist, is damaged or altered, or has another version.
        """
        content = _read(Path(checked_path(path, "path")))
        try:
            models, by = [str(name) for name in content["models"]], content["by"]
            if by not in _BY:
                raise ValueError(f"by is {by!r}")
            if not models or len(set(models)) < len(models):
                raise ValueError(f"models are {models!r:.80}")
            weighting = (
                Gate.from_json(content["weighting"], len(models))
                if by == "gate"
                else WeightTable.from_json(content["weighting"], by, len(models))
            )
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise InputError(f"{path}: malformed weights ({error}); fit them again") from error
        return cls(models, by, weighting)


def check_next_token(interpolator: Interpolator) -> None:
    """Check that an interpolator has `next_token_weights`.

    Raises:
        TypeError: it is not an `Interpolator`.
        QueryError: it is a gate.
    """
    instance(interpolator, "interpolator", Interpolator, "an Interpolator: fitted, or Interpolator.fixed")
    if interpolator.by == "gate":
        raise QueryError(_GATE_REFUSED)


def _checked_inputs(inputs: MixtureInputs) -> MixtureInputs:
    return instance(inputs, "inputs", MixtureInputs, "a MixtureInputs with the models' scores of a text")


def _read(path: Path) -> dict[str, Any]:
    try:
        content = read_json(path)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as an interpolator: {error}") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise InputError(f"{path}: not an interpolator; expected a file that Interpolator.save wrote")
    if content.get("version") != VERSION:
        raise InputError(f"{path}: version {content.get('version')!r}; this infgram reads version {VERSION}")
    if not take_digest(content):
        raise InputError(f"{path}: wrong checksum: the file was altered after it was written; fit the weights again")
    return content
