"""A context that grows, asked of a model at each step."""

from __future__ import annotations

from infgram import _core
from infgram.reprs import ShortRepr
from infgram.types import Float64Array, Query


class ModelSession(ShortRepr):
    """What a model says of the tokens so far, carried from step to step; made by `InfgramLM.session`.

    A session may be used from any thread; those of one index take turns.
    """

    def __init__(self, core: _core.ModelSession) -> None:
        """Use `InfgramLM.session`."""
        self._core = core

    def append(self, token: int) -> None:
        """Add a token to the context. Some microseconds.

        Raises:
            QueryError: it is outside the vocabulary.
        """
        self._core.append((token,))

    def extend(self, tokens: Query) -> None:
        """Add several token ids."""
        self._core.append(tokens)

    def distribution(self) -> Float64Array:
        """What `InfgramLM.distribution` gives for the tokens so far."""
        return self._core.distribution()

    def copy(self) -> ModelSession:
        """An independent session in the same state, as beam search needs one."""
        return ModelSession(self._core.copy())
