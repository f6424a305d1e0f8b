"""The ∞-gram of a context that grows, token by token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from infgram.arguments import top_k_or_none
from infgram.engine import SessionEngine
from infgram.reprs import ShortRepr
from infgram.types import InfgramDistribution, Int64Array, LongestSuffix, Query


class _Opener(Protocol):
    """An `Index`."""

    def session(self, context: Query = (), *, min_count: int = 1) -> Session:
        """A new session."""


class Session(ShortRepr):
    """The longest suffix of the tokens so far, carried from step to step; made by `Index.session`.

    A session may be used from any thread, and any number of sessions at once. It keeps the index's files open. It is
    pickled as its index and the suffix.

    Examples:
        >>> import infgram, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with infgram.build_from_tokens([[1, 2, 3, 1, 2, 4]], f"{folder}/x", vocab_size=5) as index:
        ...         session = index.session([1])
        ...         session.append(2)
        ...         session.distribution().token_ids.tolist()
        [3, 4]
    """

    _repr_fields = ("n_tokens", "longest_suffix")

    def __init__(self, core: SessionEngine, index: _Opener, min_count: int, n_before: int = 0) -> None:
        """Use `Index.session`.

        Args:
            core: the session of the engine.
            index: what made it.
            min_count: how often a suffix must occur to be used.
            n_before: tokens that were appended before those of `core`.
        """
        self._core, self._index, self._min_count, self._n_before = core, index, min_count, n_before

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
        return self._n_before + self._core.state()[2]

    def copy(self) -> Session:
        """An independent session in the same state, as beam search needs one; a copy of the suffix and its ranges."""
        return Session(self._core.copy(), self._index, self._min_count, self._n_before)

    def __len__(self) -> int:
        return self.n_tokens

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the index and the suffix; `IndexClosedError` if the index was closed."""
        return _resumed, (self._index, self._min_count, self._core.suffix(), self.n_tokens)


def _resumed(index: _Opener, min_count: int, suffix: Int64Array, n_tokens: int) -> Session:
    """A session in the state of the one that was pickled."""
    session = index.session(suffix, min_count=min_count)
    session._n_before = n_tokens - len(suffix)
    return session
