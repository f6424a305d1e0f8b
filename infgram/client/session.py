"""A growing context whose ∞-gram a service computes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from infgram.arguments import at_least
from infgram.client import calls
from infgram.client.calls import Call
from infgram.reprs import ShortRepr
from infgram.types import InfgramDistribution, LongestSuffix, Query


class RemoteSession(ShortRepr):
    """A `Session` that the client stores; created by `Client.session`.

    The service stores no state, so each query sends all tokens and searches from the beginning.
    """

    _repr_fields = ("n_tokens",)

    def __init__(self, ask: Callable[[Call[Any]], Any], context: Query, min_count: int) -> None:
        """Use `Client.session`."""
        self._ask, self._min_count = ask, at_least(min_count, 1, "min_count")
        self._token_ids: list[int] = []
        self.extend(ask(calls.tokenize(context)) if isinstance(context, str) else context)

    def append(self, token: int) -> None:
        """Append a token to the context."""
        self.extend((token,))

    def extend(self, tokens: Query) -> None:
        """Append several tokens to the context."""
        added = calls.ids_of(tokens)
        if added:
            self._ask(calls.count(added))  # raises for ids outside the vocabulary
        self._token_ids += added

    def distribution(self, *, top_k: int | None = None) -> InfgramDistribution:
        """Return the ∞-gram distribution of the current context."""
        distribution: InfgramDistribution = self._ask(calls.infgram(self._token_ids, self._min_count, top_k))
        return distribution

    @property
    def longest_suffix(self) -> LongestSuffix:
        """The longest suffix of the current context that occurs."""
        suffix: LongestSuffix = self._ask(calls.longest_suffix(self._token_ids, self._min_count))
        return suffix

    @property
    def n_tokens(self) -> int:
        """The number of tokens of the context, including the initial ones."""
        return len(self._token_ids)

    def copy(self) -> RemoteSession:
        """Return an independent session in the same state."""
        other = RemoteSession(self._ask, (), self._min_count)
        other._token_ids = list(self._token_ids)
        return other

    def __len__(self) -> int:
        return self.n_tokens
