"""The ∞-gram of a context that grows, token by token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from infgram.arguments import top_k_or_none
from infgram.engine import SessionEngine
from infgram.reprs import ShortRepr
from infgram.types import InfgramDistribution, LongestSuffix


class Session(ShortRepr):
    """The longest suffix of the tokens so far, carried from step to step; made by `Index.session`.

    A session may be used from any thread, and any number of sessions at once. It keeps the index's files open.

    Example:
        >>> import infgram, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with infgram.build_from_tokens([[1, 2, 3, 1, 2, 4]], f"{folder}/x", vocab_size=5) as index:
        ...         session = index.session([1])
        ...         session.append(2)
        ...         session.distribution().token_ids.tolist()
        [3, 4]
    """

    _repr_fields = ("n_tokens", "longest_suffix")

    def __init__(self, core: SessionEngine) -> None:
        """Use `Index.session`."""
        self._core = core

    def append(self, token: int) -> None:
        """Add a token to the context. Amortised, a constant number of searches.

        Raises:
            QueryError: it is outside the vocabulary.
        """
        self._core.append((token,))

    def extend(self, tokens: Sequence[int] | npt.NDArray[np.integer[Any]]) -> None:
        """Add several tokens: token ids as a query has them."""
        self._core.append(tokens)

    def distribution(self, *, top_k: int | None = None) -> InfgramDistribution:
        """The ∞-gram after the tokens so far: what `Index.infgram_distribution` gives for them."""
        length, rows = self._core.distribution(top_k_or_none(top_k))
        return InfgramDistribution(*rows, suffix_length=length)

    @property
    def longest_suffix(self) -> LongestSuffix:
        """What `Index.longest_suffix` gives for the tokens so far."""
        length, count, _ = self._core.state()
        return LongestSuffix(length, count)

    @property
    def n_tokens(self) -> int:
        """Tokens so far, those of the first context included."""
        return self._core.state()[2]

    def copy(self) -> Session:
        """An independent session in the same state, as beam search needs one; a copy of the suffix and its ranges."""
        return Session(self._core.copy())

    def __len__(self) -> int:
        return self.n_tokens
