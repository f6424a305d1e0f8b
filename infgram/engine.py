"""What an `Index` asks of whatever holds the suffix arrays: the native core, or many of them on other machines.

Tokens are whatever a query may be; the engine checks them. Arrays are int64; documents are numbered over all shards.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeAlias

from infgram.provenance import StoredMetadata
from infgram.types import Int64Array

Poll: TypeAlias = Callable[[int], None]
Rows: TypeAlias = tuple[Int64Array, Int64Array, int, int]
"""Token ids, counts, context count, distinct rows before `top_k`."""


class SessionEngine(Protocol):
    """The longest suffix of a context that grows."""

    def append(self, tokens: Any, /) -> None:
        """Append tokens."""

    def distribution(self, top_k: int | None, /) -> tuple[int, Rows]:
        """Suffix length, and what follows."""

    def state(self) -> tuple[int, int, int]:
        """Suffix length, its count, tokens appended."""

    def suffix(self) -> Int64Array:
        """The tokens of the suffix."""

    def copy(self) -> SessionEngine:
        """An independent session in the same state."""


class ConjunctionEngine(Protocol):
    """An AND of ORs."""

    def counts(self) -> list[int]:
        """Occurrences of each clause."""

    def documents(self, progress: Poll, /) -> tuple[Int64Array, Int64Array, Int64Array]:
        """Documents with an occurrence, ascending, how many each has, and ones."""

    def sampled_documents(self, size: int, seed: int, progress: Poll, /) -> tuple[Int64Array, Int64Array, Int64Array]:
        """The same for a sample of the first clause's occurrences; the last says whether the first is among them."""

    def matches(self, document: int, limit: int, progress: Poll, /) -> tuple[int, list[tuple[int, int, int]]]:
        """Occurrences in a document; clause, offset and length of those that are shown."""


class Engine(Protocol):
    """Exact questions to all shards."""

    @property
    def n_tokens(self) -> int:
        """Tokens, separators not counted."""

    @property
    def n_documents(self) -> int:
        """Documents."""

    @property
    def n_shards(self) -> int:
        """Shards."""

    @property
    def vocab_size(self) -> int:
        """Token ids go from 0 to `vocab_size - 1`."""

    @property
    def token_bits(self) -> int:
        """The width of a stored token."""

    def find(self, tokens: Any, /) -> list[tuple[int, int]]:
        """The suffix range in each shard."""

    def count(self, tokens: Any, /) -> int:
        """Occurrences."""

    def count_batch(self, queries: Sequence[Any], /) -> Int64Array:
        """Occurrences of each query."""

    def count_spans(self, tokens: Any, begins: Int64Array, ends: Int64Array, /) -> Int64Array:
        """Occurrences of each `tokens[begin:end]`."""

    def count_before(
        self, heads: Any, tokens: Any, begins: Int64Array, ends: Int64Array, /
    ) -> tuple[Int64Array, Int64Array, Int64Array]:
        """Which heads (tokens) come right before which `tokens[begin:end]`: numbers of spans and of heads, counts."""

    def document_count(self, tokens: Any, /) -> int:
        """Distinct documents with an occurrence."""

    def next_tokens(self, context: Any, top_k: int | None = None, /) -> Rows:
        """What follows the whole context."""

    def longest_suffix(self, context: Any, min_count: int, /) -> tuple[int, int]:
        """Length and count of the longest suffix that occurs `min_count` times."""

    def infgram(self, context: Any, min_count: int, top_k: int | None, /) -> tuple[int, Rows]:
        """Length of the longest suffix, and what follows it."""

    def infgram_counts(self, context: Any, row: int, min_count: int, /) -> tuple[int, int, int, bool]:
        """Length of the longest suffix, its count, that of the row after it, whether one row alone follows."""

    def score(self, tokens: Any, end: bool, min_count: int, /) -> tuple[Int64Array, Int64Array, Int64Array]:
        """Suffix lengths, context counts and continuation counts of each position."""

    def longest_matches(self, tokens: Any, /) -> tuple[Int64Array, Int64Array]:
        """Length and count of the longest match that starts at each position."""

    def locate(self, tokens: Any, limit: int, /) -> list[tuple[int, int]]:
        """Document and offset of the first occurrences in suffix order."""

    def locate_rank(self, shard: int, rank: int, /) -> tuple[int, int]:
        """Document and offset of the suffix with this rank in a shard."""

    def sample_documents(self, tokens: Any, limit: int, seed: int, most_read: int, /) -> list[tuple[int, int]]:
        """Documents drawn at random, each with the offset of an occurrence."""

    def document_tokens(self, document: int, /) -> Int64Array:
        """The token ids of a document."""

    def read_window(self, document: int, begin: int, end: int, /) -> Int64Array:
        """Those from one offset to another, or to the end."""

    def document_metadata(self, documents: Sequence[int], /) -> list[StoredMetadata]:
        """The metadata of documents and where they come from."""

    def conjunction(self, clauses: Sequence[Sequence[Any]], max_distance: int | None, /) -> ConjunctionEngine:
        """An AND of ORs of terms; None makes the document the scope."""

    def duplicates(self, min_tokens: int, threads: int, progress: Poll, /) -> Any:
        """Passages that stand more than once; an engine may refuse."""

    def session(self, context: Any, min_count: int, /) -> SessionEngine:
        """A session that begins with a context."""

    def verify(self, progress: Poll | None = None, /) -> None:
        """Check every byte of every shard as it is opened; `progress` is told the tokens checked."""
