"""The interface of the query engines behind `Index`: the native core, or shards on other machines.

The engine checks the tokens of a query. Arrays are int64. Document numbers run over all shards.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeAlias

from infgram.provenance import StoredMetadata
from infgram.types import Int64Array

Poll: TypeAlias = Callable[[int], None]
Rows: TypeAlias = tuple[Int64Array, Int64Array, int, int]
"""A next-token distribution: token ids, counts, context count, number of distinct tokens before `top_k`."""


class SessionEngine(Protocol):
    """The longest suffix of a context that grows."""

    def append(self, tokens: Any, /) -> None:
        """Append tokens."""

    def distribution(self, top_k: int | None, /) -> tuple[int, Rows]:
        """Return the suffix length and the next-token distribution."""

    def state(self) -> tuple[int, int, int]:
        """Return the suffix length, its count and the number of appended tokens."""

    def suffix(self) -> Int64Array:
        """Return the tokens of the suffix."""

    def copy(self) -> SessionEngine:
        """Return an independent session in the same state."""


class ConjunctionEngine(Protocol):
    """An AND of ORs."""

    def counts(self) -> list[int]:
        """Count the occurrences of each clause."""

    def documents(self, progress: Poll, /) -> tuple[Int64Array, Int64Array, Int64Array]:
        """Return the documents with an occurrence, ascending; the occurrences of each; and an array of ones."""

    def sampled_documents(self, size: int, seed: int, progress: Poll, /) -> tuple[Int64Array, Int64Array, Int64Array]:
        """As `documents`, for a sample of the first clause's occurrences.

        The last array is 1 where the sample contains the first occurrence of the document, else 0.
        """

    def matches(self, document: int, limit: int, progress: Poll, /) -> tuple[int, list[tuple[int, int, int]]]:
        """Count the occurrences in a document; return the clause, offset and length of the first matches."""


class StreamEngine(Protocol):
    """All documents in the order of their numbers, each followed by an end-of-text id."""

    def __len__(self) -> int:
        """Return the number of ids, tokens and ends."""

    def read_rows(self, begins: Int64Array, length: int, end_of_text: int, /) -> Int64Array:
        """Return the ids from each begin, shape (begins, length); beyond the end of the stream, the end-of-text id."""


class Engine(Protocol):
    """Exact queries over all shards."""

    @property
    def n_tokens(self) -> int:
        """The number of tokens without separators."""

    @property
    def n_documents(self) -> int:
        """The number of documents."""

    @property
    def n_shards(self) -> int:
        """The number of shards."""

    @property
    def vocab_size(self) -> int:
        """The size of the vocabulary: token ids are from 0 to `vocab_size - 1`."""

    @property
    def token_bits(self) -> int:
        """The width of a stored token in bits."""

    def find(self, tokens: Any, /) -> list[tuple[int, int]]:
        """Return the suffix range in each shard."""

    def count(self, tokens: Any, /) -> int:
        """Count the occurrences."""

    def count_batch(self, queries: Sequence[Any], /) -> Int64Array:
        """Count the occurrences of each query."""

    def count_spans(self, tokens: Any, begins: Int64Array, ends: Int64Array, /) -> Int64Array:
        """Count the occurrences of each `tokens[begin:end]`."""

    def count_before(
        self, heads: Any, tokens: Any, begins: Int64Array, ends: Int64Array, /
    ) -> tuple[Int64Array, Int64Array, Int64Array]:
        """Count each head token directly before each `tokens[begin:end]`; return span numbers, head numbers, counts."""

    def document_count(self, tokens: Any, /) -> int:
        """Count the distinct documents with an occurrence."""

    def next_tokens(self, context: Any, top_k: int | None = None, /) -> Rows:
        """Return the distribution of the token after the whole context."""

    def longest_suffix(self, context: Any, min_count: int, /) -> tuple[int, int]:
        """Return the length and count of the longest suffix that occurs at least `min_count` times."""

    def infgram(self, context: Any, min_count: int, top_k: int | None, /) -> tuple[int, Rows]:
        """Return the length of the longest suffix and the distribution of the token after it."""

    def infgram_counts(self, context: Any, next_token: int, min_count: int, /) -> tuple[int, int, int, bool]:
        """Return length and count of the longest suffix, the count of the token after it, and whether it is sparse."""

    def score(self, tokens: Any, end: bool, min_count: int, /) -> tuple[Int64Array, Int64Array, Int64Array]:
        """Return the suffix length, context count and continuation count of each position."""

    def longest_matches(self, tokens: Any, /) -> tuple[Int64Array, Int64Array]:
        """Return the length and count of the longest match that starts at each position."""

    def locate(self, tokens: Any, limit: int, /) -> list[tuple[int, int]]:
        """Return the document and offset of the first `limit` occurrences in suffix order."""

    def locate_rank(self, shard: int, rank: int, /) -> tuple[int, int]:
        """Return the document and offset of the suffix with a rank in a shard."""

    def sample_documents(self, tokens: Any, limit: int, seed: int, most_read: int, /) -> list[tuple[int, int]]:
        """Draw documents at random; return each with the offset of an occurrence."""

    def document_ids(self, begin: int, limit: int, /) -> Int64Array:
        """Return the numbers of the first `limit` documents from the number `begin` on, ascending."""

    def document_tokens(self, document: int, /) -> Int64Array:
        """Return the token ids of a document."""

    def document_length(self, document: int, /) -> int:
        """Return the number of tokens of a document."""

    def read_window(self, document: int, begin: int, end: int, /) -> Int64Array:
        """Return the token ids of a document from offset `begin` to `end`, at most to its end."""

    def document_metadata(self, documents: Sequence[int], /) -> list[StoredMetadata]:
        """Return the metadata, source file and line of documents, as stored."""

    def conjunction(self, clauses: Sequence[Sequence[Any]], max_distance: int | None, /) -> ConjunctionEngine:
        """Prepare an AND of ORs of terms; with a `max_distance` of None the scope is the document."""

    def duplicates(self, min_tokens: int, threads: int, progress: Poll, /) -> Any:
        """Find passages that occur more than once; an engine may refuse."""

    def token_stream(self) -> StreamEngine:
        """Return the stream of all tokens; an engine may refuse."""

    def session(self, context: Any, min_count: int, /) -> SessionEngine:
        """Start a session with a context."""

    def verify(self, progress: Poll | None = None, /) -> None:
        """Check every byte of every open shard; `progress` is called with the number of checked tokens."""
