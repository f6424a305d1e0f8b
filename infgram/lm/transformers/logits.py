"""A logits processor that interpolates models of an index into generation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
import torch
from transformers import LogitsProcessor

from infgram.arguments import at_least, mapping, text
from infgram.errors import QueryError
from infgram.index import Index, checked_index
from infgram.lm.mixing.interpolator import Interpolator, check_next_token
from infgram.lm.models.infgram_lm import InfgramLM
from infgram.types import Float64Array, Int64Array


class Distributes(Protocol):
    """A model of the index, such as `InfgramLM`."""

    def distribution(self, context: Int64Array) -> Float64Array:
        """Return the probability of each token id; a further last element for the end of the document is ignored."""


class InfgramLogitsProcessor(LogitsProcessor):
    """Interpolates models of an index with the neural model that `model.generate` samples from.

    Each row of `input_ids` is the beginning of one document. Pass the neural model's `end_token` to the models of the
    index; otherwise their probability of the end of the document is lost. Each step computes one distribution per
    model and row.

    Args:
        index: an index with the neural model's token ids.
        models: models of the index, by the names that the interpolator uses.
        interpolator: fitted, or `Interpolator.fixed`; by `"one"`, `"sparse"` or `"class"`. A gate depends on the
            models' losses so far, which are unknown during generation.
        neural: the interpolator's name of the neural model.
        pad_token: id that is removed from the start of rows, as in batches of prompts.

    Raises:
        QueryError: the interpolator is a gate, or has other models.

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
                raise TypeError(
                    f"models[{name!r}] is of type {type(model).__name__}; expected a model, such as an InfgramLM"
                )
            if isinstance(model, InfgramLM) and model.index.vocab_size != index.vocab_size:
                raise QueryError(
                    f"models[{name!r}] has {model.index.vocab_size:,} token ids, the index {index.vocab_size:,}; "
                    "expected models of this index"
                )
        if {neural, *models} != set(interpolator.models) or neural in models:
            raise QueryError(
                f"the interpolator mixes {', '.join(interpolator.models)}; the given models are "
                f"{', '.join([neural, *models])}"
            )
        self._index, self._models, self._interpolator = index, dict(models), interpolator
        self._neural = neural
        self._pad_token = None if pad_token is None else at_least(pad_token, 0, "pad_token")

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        """Return the mixture's log-probabilities.

        Args:
            input_ids: (batch, length), the tokens so far.
            scores: (batch, vocabulary), logits or log-probabilities of the next token; −inf remains −inf.

        Returns:
            A new tensor of the shape of `scores`; −inf for ids outside the index's vocabulary.
        """
        n_ids = self._index.vocab_size
        if scores.ndim != 2 or input_ids.ndim != 2 or len(scores) != len(input_ids):
            raise QueryError(
                f"input_ids have the shape {tuple(input_ids.shape)} and scores {tuple(scores.shape)}; expected "
                "(batch, length) and (batch, vocabulary)"
            )
        if scores.shape[1] < n_ids:
            raise QueryError(
                f"the model has {scores.shape[1]:,} token ids, the index {n_ids:,}; expected a model with the index's "
                "tokenizer"
            )
        neural = torch.softmax(scores[:, :n_ids].cpu().double(), dim=-1).numpy()
        rows = [self._mixed(self._context(row), probs) for row, probs in zip(input_ids.tolist(), neural, strict=True)]
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
        """Return the mixture's probability of each token id."""
        weights = self._interpolator.next_token_weights(self._index, context)
        n_ids = self._index.vocab_size
        total = np.zeros(n_ids)
        for name, weight in zip(self._interpolator.models, weights.tolist(), strict=True):
            if name == self._neural:
                total += weight * neural
                continue
            total += weight * self._models[name].distribution(context)[:n_ids]
        return total
