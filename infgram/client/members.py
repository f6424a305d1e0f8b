"""The members of `Client` without a counterpart in `AsyncClient`."""

from __future__ import annotations

from typing import Any, TypeVar

from infgram.client.calls import Call
from infgram.client.session import RemoteSession
from infgram.client.tokenizer import RemoteTokenizer
from infgram.types import Query

T = TypeVar("T")


class SynchronousMembers:
    """Properties of the index, its tokenizer, and sessions; each is a request."""

    def info(self) -> dict[str, Any]:
        """See `Index.info`; the result includes `name` and no paths."""
        raise NotImplementedError

    def _ask(self, call: Call[T]) -> T:
        raise NotImplementedError

    @property
    def n_tokens(self) -> int:
        """The number of tokens in the index that the service has now."""
        return int(self.info()["n_tokens"])

    @property
    def n_documents(self) -> int:
        """The number of documents in the index that the service has now."""
        return int(self.info()["n_documents"])

    @property
    def n_shards(self) -> int:
        """The number of shards."""
        return int(self.info()["n_shards"])

    @property
    def vocab_size(self) -> int:
        """The size of the vocabulary; token ids are 0 to `vocab_size - 1`."""
        return int(self.info()["vocab_size"])

    @property
    def token_width_bits(self) -> int:
        """The width of a stored token in bits: 8, 16 or 32."""
        return int(self.info()["token_width_bits"])

    @property
    def tokenizer(self) -> RemoteTokenizer:
        """The tokenizer of the index, which runs in the service.

        Raises:
            TokenizerError: the index has no tokenizer.
        """
        return RemoteTokenizer(self._ask, self.info())

    def session(self, context: Query = (), *, min_count: int = 1) -> RemoteSession:
        """See `Index.session`; the client stores the tokens and sends all of them with each query."""
        return RemoteSession(self._ask, context, min_count)
