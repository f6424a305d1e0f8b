"""The corpus that a plan is made for."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from infgram.errors import QueryError

MAX_TOKENS: Final = 10**18
MAX_SHARDS: Final = 100_000
_SEPARATORS: Final = {8: 0xFF, 16: 0xFFFF, 32: 0xFFFF_FFFF}


@dataclass(frozen=True)
class Workload:
    """A corpus, cut into shards of equal size.

    Attributes:
        n_tokens: tokens of all documents.
        shard_tokens: maximum tokens of a shard.
        tokens_per_document: on average.
        vocab_size: of the tokenizer; it determines the width of a token.
        text_bytes_per_token: for a corpus of text, which is tokenized first; 0 for a corpus of token ids.
    """

    n_tokens: int
    shard_tokens: int
    tokens_per_document: float = 1000.0
    vocab_size: int = 50_257
    text_bytes_per_token: float = 0.0

    def __post_init__(self) -> None:
        """Check the fields.

        Raises:
            QueryError: a number is out of range, or there would be too many shards.
        """
        _check("tokens", self.n_tokens, 1, MAX_TOKENS)
        _check("shard_tokens", self.shard_tokens, 1, 2**40)
        _check("tokens_per_document", self.tokens_per_document, 1, MAX_TOKENS)
        _check("vocab_size", self.vocab_size, 1, 2**32 - 1)
        _check("text_bytes_per_token", self.text_bytes_per_token, 0, 1000)
        if self.n_shards > MAX_SHARDS:
            raise QueryError(
                f"{self.n_tokens:.3g} tokens in shards of {self.shard_tokens:.3g} make {self.n_shards:,} shards; "
                f"expected at most {MAX_SHARDS:,}: use larger shards"
            )

    @property
    def n_shards(self) -> int:
        """Number of shards."""
        return math.ceil(self.n_tokens / self.shard_tokens)

    @property
    def tokens_of_a_shard(self) -> int:
        """Tokens of each shard."""
        return math.ceil(self.n_tokens / self.n_shards)

    @property
    def token_width_bits(self) -> int:
        """Width of a stored token: 8, 16 or 32 bits; the largest value is the separator."""
        return next(bits for bits, separator in _SEPARATORS.items() if self.vocab_size <= separator)


def _check(name: str, value: float, minimum: float, maximum: float) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not minimum <= value <= maximum:
        raise QueryError(f"{name} is {value!r}; expected a number from {minimum:,} to {maximum:.4g}")
