"""A neural model and models of the index as one."""

from __future__ import annotations

import os
from typing import Final, get_args

import numpy as np

from infgram.arguments import instance
from infgram.errors import QueryError
from infgram.index import Index, checked_index
from infgram.lm.mixing.interpolator import Interpolator
from infgram.lm.mixing.next_token import check_next_token, next_token_weights
from infgram.lm.models.infgram_lm import InfgramLM, Smoothing
from infgram.lm.positions import checked_token_ids
from infgram.lm.transformers.model import TransformersLM
from infgram.reprs import ShortRepr
from infgram.types import Float64Array, Int64Array, Query

NEURAL: Final = "neural"
UNFITTED: Final = Interpolator.fixed({NEURAL: 0.5, "witten_bell": 0.5})
"""Weights where none were fitted."""


class InterpolatedLM(ShortRepr):
    """What may come next, by a neural model and models of the index together. May be asked from several threads.

    Args:
        neural: a model of the index's tokens.
        index: an open index.
        interpolator: by `"one"`, `"sparse"` or `"class"`; its models are `neural` and smoothings of `InfgramLM`, of
            which `infgram` is another name of `none`.

    Raises:
        QueryError: the interpolator is a gate or has other models.
    """

    def __init__(self, neural: TransformersLM, index: Index, interpolator: Interpolator = UNFITTED) -> None:
        instance(neural, "neural", TransformersLM, "a TransformersLM")
        checked_index(index)
        check_next_token(interpolator)
        smoothings: dict[str, Smoothing] = {name: name for name in get_args(Smoothing)} | {"infgram": "none"}
        if unknown := set(interpolator.models) - {NEURAL, *smoothings}:
            raise QueryError(
                f"the interpolator mixes {', '.join(interpolator.models)}; expected {NEURAL} and of "
                f"{', '.join(smoothings)}, found {', '.join(sorted(unknown))}"
            )
        self._index, self._interpolator = index, interpolator
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
        """Load the neural model, as `TransformersLM.from_pretrained` does, and the weights that were saved.

        Args:
            name: a folder that `save_pretrained` wrote.
            index: an open index.
            weights: what `Interpolator.save` wrote; half neural, half Witten–Bell without.
            tokenizer: where the model's tokenizer is, if not beside it; `"index"` states that it is the index's.

        Raises:
            InputError: no such model or weights.
            TokenizerError: its tokenizer is another one, or was not saved with it.
            QueryError: as for the class.
        """
        interpolator = UNFITTED if weights is None else Interpolator.load(weights)
        return cls(TransformersLM.from_pretrained(name, index, tokenizer=tokenizer), index, interpolator)

    def distribution(self, context: Query) -> Float64Array:
        """The probability of each token id after a context.

        Raises:
            QueryError: a token id is outside the vocabulary; the context is empty, and the model begins with nothing.
        """
        tokens = self._tokens(context)
        weights = next_token_weights(self._index, self._interpolator, tokens)
        total = np.zeros(self._index.vocab_size)
        for name, weight in zip(self._interpolator.models, weights.tolist(), strict=True):
            total += weight * self._models[name].distribution(tokens)[: len(total)]
        return total

    def _tokens(self, context: Query) -> Int64Array:
        if isinstance(context, str):
            return self._index.tokenizer.encode(context)
        return checked_token_ids(context, "context", self._index.vocab_size)
