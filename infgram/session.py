"""The ∞-gram of a context that grows token by token."""

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
        """Start a session."""


class Session(ShortRepr):
    """The longest suffix of the tokens so far, updated incrementally. Created by `Index.session`.

    A session can be used from any thread, and any number of sessions in parallel. It keeps the files of the index
    open. It is pickled as its index and the suffix.

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
            index: the index that created the session.
            min_count: the minimum count of the suffix.
            n_before: the number of tokens appended before those of `core`.
        """
        self._core, self._index, self._min_count, self._n_before = core, index, min_count, n_before

    def append(self, token: int) -> None:
        """Append a token to the context. Cost: a constant number of searches, amortized.

        Raises:
            QueryError: the token is outside the vocabulary.
        """
        self._core.append((token,))

    def extend(self, tokens: Sequence[int] | npt.NDArray[np.integer[Any]]) -> None:
        """Append several token ids to the context."""
        self._core.append(tokens)

    def distribution(self, *, top_k: int | None = None) -> InfgramDistribution:
        """Return `Index.infgram_distribution` of the tokens so far."""
        length, rows = self._core.distribution(top_k_or_none(top_k))
        return InfgramDistribution(*rows, suffix_length=length)

    @property
    def longest_suffix(self) -> LongestSuffix:
        """`Index.longest_suffix` of the tokens so far."""
        length, count, _ = self._core.state()
        return LongestSuffix(length, count)

    @property
    def n_tokens(self) -> int:
        """The number of tokens so far, including the initial context."""
        return self._n_before + self._core.state()[2]

    def copy(self) -> Session:
        """Return an independent session in the same state, for instance for beam search."""
        return Session(self._core.copy(), self._index, self._min_count, self._n_before)

    def __len__(self) -> int:
        return self.n_tokens

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the index and the suffix; `IndexClosedError` if the index was closed."""
        return _resumed, (self._index, self._min_count, self._core.suffix(), self.n_tokens)


def _resumed(index: _Opener, min_count: int, suffix: Int64Array, n_tokens: int) -> Session:
    """Restore a pickled session."""
    session = index.session(suffix, min_count=min_count)
    session._n_before = n_tokens - len(suffix)
    return session
