"""Interpolation of a neural model with models of an index, for next-token distributions."""

from __future__ import annotations

import os
from typing import Final, get_args

import numpy as np

from infgram.arguments import instance
from infgram.errors import QueryError
from infgram.index import Index, checked_index
from infgram.lm.mixing.interpolator import Interpolator, check_next_token
from infgram.lm.models.infgram_lm import InfgramLM, Smoothing
from infgram.lm.positions import checked_token_ids
from infgram.lm.transformers.model import TransformersLM
from infgram.reprs import ShortRepr
from infgram.types import Float64Array, Int64Array, Query

NEURAL: Final = "neural"
UNFITTED: Final = Interpolator.fixed({NEURAL: 0.5, "witten_bell": 0.5})
"""Weights that are used if none were fitted."""


class InterpolatedLM(ShortRepr):
    """A neural model interpolated with models of an index. Safe for several threads.

    Args:
        neural: a model with the index's token ids.
        index: an open index.
        interpolator: by `"one"`, `"sparse"` or `"class"`, with the models `neural` and smoothings of `InfgramLM`;
            `infgram` is another name of the smoothing `none`.

    Raises:
        QueryError: the interpolator is a gate, or has other models.
    """

    def __init__(self, neural: TransformersLM, index: Index, interpolator: Interpolator = UNFITTED) -> None:
        instance(neural, "neural", TransformersLM, "a TransformersLM")
        checked_index(index)
        check_next_token(interpolator)
        smoothings: dict[str, Smoothing] = {name: name for name in get_args(Smoothing)} | {"infgram": "none"}
        if unknown := set(interpolator.models) - {NEURAL, *smoothings}:
            raise QueryError(
                f"the interpolator mixes {', '.join(interpolator.models)}; unknown models: "
                f"{', '.join(sorted(unknown))}; expected {NEURAL} and any of {', '.join(smoothings)}"
            )
        self._index, self._interpolator, self._neural = index, interpolator, neural
        own = {
            name: InfgramLM(index, smoothings[name], end_token=neural.end_token)
            for name in interpolator.models
            if name != NEURAL
        }
        self._models: dict[str, TransformersLM | InfgramLM] = {NEURAL: neural, **own}

    @classmethod
    def from_pretrained(
        cls,
        name: str | os.PathLike[str],
        index: Index,
        *,
        weights: str | os.PathLike[str] | None = None,
        tokenizer: str | None = None,
    ) -> InterpolatedLM:
        """Load a neural model, as `TransformersLM.from_pretrained` does, and saved weights.

        Args:
            name: a folder that `save_pretrained` wrote.
            index: an open index.
            weights: file that `Interpolator.save` wrote; None for equal weights of the neural model and Witten–Bell.
            tokenizer: path of the model's tokenizer if it is not in the same folder; `"index"` declares that it is the
                index's.

        Raises:
            InputError: the model or the weights cannot be read.
            TokenizerError: the model's tokenizer differs from the index's, or was not saved with it.
            QueryError: as for the class.
        """
        interpolator = UNFITTED if weights is None else Interpolator.load(weights)
        return cls(TransformersLM.from_pretrained(name, index, tokenizer=tokenizer), index, interpolator)

    def with_index(self, index: Index) -> InterpolatedLM:
        """Return the same mixture with another state of the index; the neural model is shared, not loaded again.

        Args:
            index: an open index with the same tokens.
        """
        return InterpolatedLM(self._neural, index, self._interpolator)

    def distribution(self, context: Query) -> Float64Array:
        """Return the probability of each token id after a context: float64.

        Raises:
            QueryError: a token id is outside the vocabulary, or the context is empty and the neural model has no begin
                token.
        """
        tokens = self._tokens(context)
        weights = self._interpolator.next_token_weights(self._index, tokens)
        total = np.zeros(self._index.vocab_size)
        for name, weight in zip(self._interpolator.models, weights.tolist(), strict=True):
            total += weight * self._models[name].distribution(tokens)[: len(total)]
        return total

    def _tokens(self, context: Query) -> Int64Array:
        if isinstance(context, str):
            return self._index.tokenizer.encode(context)
        return checked_token_ids(context, "context", self._index.vocab_size)
