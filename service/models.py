"""The neural models that are mixed with indexes."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

import infgram

from .settings import NeuralModel, Settings


class NextTokenModel(Protocol):
    """A neural model for the query `interpolated`."""

    def distribution(self, context: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """Return the probability of each token id after a context."""

    def with_index(self, index: infgram.Index) -> NextTokenModel:
        """Return the same model, mixed with another state of the index."""


class Models:
    """The models that are configured, by the name of their index.

    A model is loaded again only if its files or the tokens of the index have changed: an index has a new state after
    each change, and loading takes long and much memory. Used by one thread at a time.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._loaded: dict[str, tuple[Any, NextTokenModel]] = {}

    def load(self, name: str, index: infgram.Index) -> NextTokenModel | None:
        """Return the model that is configured for an index; None if none is.

        Raises:
            InfgramError: as for `load_model`.
            OSError: a file of the model cannot be read.
        """
        configured = self._settings.models.get(name)
        if configured is None:
            return None
        identity = index.info()["tokenizer"], index.vocab_size, [*_files(configured)]
        known = self._loaded.get(name)
        if known is not None and known[0] == identity:
            model = known[1].with_index(index)
        else:
            model = load_model(configured, index)
        self._loaded[name] = identity, model
        return model


def load_model(configured: NeuralModel, index: infgram.Index) -> NextTokenModel:
    """Load the neural model of an index.

    Raises:
        MissingExtraError: torch or transformers is not installed.
        InputError, TokenizerError: the model does not exist, or has another tokenizer than the index.
        QueryError: the weights belong to other models.
    """
    transformers = importlib.import_module("infgram.lm.transformers")  # takes seconds, so only if a model is configured
    model: NextTokenModel = transformers.InterpolatedLM.from_pretrained(
        configured.folder, index, weights=configured.weights, tokenizer=configured.tokenizer
    )
    return model


def _files(configured: NeuralModel) -> Iterator[tuple[str, int, int, int]]:
    """Yield what changes with the files of a model. Missing ones are left to the loader."""
    folders = [configured.folder, Path(configured.tokenizer or "")]
    inside = [path for folder in folders if folder.is_dir() for path in sorted(folder.iterdir())]
    for path in (*inside, *folders, *([] if configured.weights is None else [configured.weights])):
        if path.is_file():
            status = path.stat()
            yield str(path), status.st_ino, status.st_mtime_ns, status.st_size
