"""The ∞-gram of a growing context, computed by a service."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from infgram.arguments import at_least
from infgram.client import calls
from infgram.client.calls import Call
from infgram.reprs import ShortRepr
from infgram.types import InfgramDistribution, LongestSuffix, Query


class RemoteSession(ShortRepr):
    """A `Session` whose tokens the client keeps; created by `Client.session`.

    The service keeps nothing, so each question costs a request with all tokens, and a search of its own.
    """

    _repr_fields = ("n_tokens",)

    def __init__(self, ask: Callable[[Call[Any]], Any], context: Query, min_count: int) -> None:
        """Use `Client.session`."""
        self._ask, self._min_count = ask, at_least(min_count, 1, "min_count")
        self._token_ids: list[int] = []
        self.extend(ask(calls.tokenize(context)) if isinstance(context, str) else context)

    def append(self, token: int) -> None:
        """Add a token to the context."""
        self.extend((token,))

    def extend(self, tokens: Query) -> None:
        """Add several tokens."""
        added = calls.ids_of(tokens)
        if added:
            self._ask(calls.count(added))  # refuses what is outside the vocabulary
        self._token_ids += added

    def distribution(self, *, top_k: int | None = None) -> InfgramDistribution:
        """The ∞-gram after the tokens so far."""
        found: InfgramDistribution = self._ask(calls.infgram(self._token_ids, self._min_count, top_k))
        return found

    @property
    def longest_suffix(self) -> LongestSuffix:
        """The longest suffix of the tokens so far."""
        found: LongestSuffix = self._ask(calls.longest_suffix(self._token_ids, self._min_count))
        return found

    @property
    def n_tokens(self) -> int:
        """Tokens so far, those of the first context included."""
        return len(self._token_ids)

    def copy(self) -> RemoteSession:
        """An independent session in the same state."""
        other = RemoteSession(self._ask, (), self._min_count)
        other._token_ids = list(self._token_ids)
        return other

    def __len__(self) -> int:
        return self.n_tokens
