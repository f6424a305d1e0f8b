"""Neural models that are mixed with an index."""

from __future__ import annotations

import importlib
from typing import Protocol

import numpy as np
import numpy.typing as npt

import infgram

from .settings import Settings


class NextTokenModel(Protocol):
    """What the question `interpolated` asks."""

    def distribution(self, context: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """The probability of each token id after a context."""


def load_model(settings: Settings, name: str, index: infgram.Index) -> NextTokenModel | None:
    """The model that is configured for an index of this name; None where there is none.

    Raises:
        MissingExtraError: torch or transformers is not installed.
        InputError, TokenizerError: there is no such model, or it is another tokenizer's.
        QueryError: the weights are of other models.
    """
    configured = settings.models.get(name)
    if configured is None:
        return None
    transformers = importlib.import_module("infgram.lm.transformers")  # takes seconds, so only where it is wanted
    model: NextTokenModel = transformers.InterpolatedLM.from_pretrained(
        configured.folder, index, weights=configured.weights, tokenizer=configured.tokenizer
    )
    return model
