"""The index beside a neural model while it writes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
import torch
from transformers import LogitsProcessor

from infgram.arguments import at_least, mapping, text
from infgram.errors import QueryError
from infgram.index import Index, checked_index
from infgram.lm.mixing.interpolator import Interpolator
from infgram.lm.mixing.next_token import check_next_token, next_token_weights
from infgram.lm.models.infgram_lm import InfgramLM
from infgram.types import Float64Array, Int64Array


class Distributes(Protocol):
    """A model of the index, such as `InfgramLM`."""

    def distribution(self, context: Int64Array) -> Float64Array:
        """Probabilities of every token id, and behind them of the end of the document."""


class InfgramLogitsProcessor(LogitsProcessor):
    """Mixes models of an index into what `model.generate` draws from.

    A row of `input_ids` is one document so far. Give the index's models the neural model's `end_token`, so that it
    has what they give to the end of the document; it is lost otherwise. Cost: a distribution of each model, a row
    and step.

    Args:
        index: whose tokens the neural model counts in.
        models: models of the index by the names that the interpolator has for them.
        interpolator: fitted or `Interpolator.fixed`; by `"one"`, `"sparse"` or `"class"`. A gate needs to know how
            the models have done so far, which generation does not tell.
        neural: the interpolator's name for the model that generates.
        pad_token: an id that is left out at the beginning of rows, as batches of prompts have it.

    Raises:
        QueryError: the interpolator is a gate or has other models.

    Examples:
        ``model.generate(tokens, logits_processor=[InfgramLogitsProcessor(index, models, interpolator)])``
    """

    def __init__(
        self,
        index: Index,
        models: Mapping[str, Distributes],
        interpolator: Interpolator,
        *,
        neural: str = "neural",
        pad_token: int | None = None,
    ) -> None:
        checked_index(index)
        check_next_token(interpolator)
        text(neural, "neural")
        for name, model in mapping(models, "models", "names to models of the index").items():
            if not hasattr(model, "distribution"):
                raise TypeError(f"models[{name!r}] is of type {type(model).__name__}; expected a model, as InfgramLM")
            if isinstance(model, InfgramLM) and model.index.vocab_size != index.vocab_size:
                raise QueryError(
                    f"models[{name!r}] counts in {model.index.vocab_size:,} token ids, the index in "
                    f"{index.vocab_size:,}; expected models of this index"
                )
        if {neural, *models} != set(interpolator.models) or neural in models:
            raise QueryError(
                f"the interpolator mixes {', '.join(interpolator.models)}; found {', '.join([neural, *models])}"
            )
        self._index, self._models, self._interpolator = index, dict(models), interpolator
        self._neural = neural
        self._pad_token = None if pad_token is None else at_least(pad_token, 0, "pad_token")

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        """The mixture's log-probabilities.

        Args:
            input_ids: (batch, length), the tokens so far.
            scores: (batch, vocabulary), logits or log-probabilities of the next token; what is −inf stays so.

        Returns:
            A new tensor of the same shape; −inf beyond the index's vocabulary.
        """
        n_ids = self._index.vocab_size
        if scores.ndim != 2 or input_ids.ndim != 2 or len(scores) != len(input_ids):
            raise QueryError(
                f"input_ids have the shape {tuple(input_ids.shape)} and scores {tuple(scores.shape)}; expected "
                "(batch, length) and (batch, vocabulary)"
            )
        if scores.shape[1] < n_ids:
            raise QueryError(
                f"the model has {scores.shape[1]:,} token ids, the index {n_ids:,}; expected a model of the index's "
                "tokenizer"
            )
        neural = torch.softmax(scores[:, :n_ids].cpu().double(), dim=-1).numpy()
        rows = [self._mixed(self._context(row), own) for row, own in zip(input_ids.tolist(), neural, strict=True)]
        mixture = torch.full_like(scores, -torch.inf)
        mixture[:, :n_ids] = torch.from_numpy(np.stack(rows)).log().to(scores)
        return torch.where(torch.isneginf(scores), scores, mixture)  # type: ignore[return-value]

    def _context(self, row: list[int]) -> Int64Array:
        tokens = np.asarray(row, dtype=np.int64)
        if self._pad_token is None:
            return tokens
        other = np.flatnonzero(tokens != self._pad_token)
        return tokens[other[0] :] if len(other) else tokens[:0]

    def _mixed(self, context: Int64Array, neural: Float64Array) -> Float64Array:
        """Probabilities of all token ids."""
        weights = next_token_weights(self._index, self._interpolator, context)
        n_ids = self._index.vocab_size
        total = np.zeros(n_ids)
        for name, weight in zip(self._interpolator.models, weights.tolist(), strict=True):
            if name == self._neural:
                total += weight * neural
                continue
            total += weight * self._models[name].distribution(context)[:n_ids]
        return total
