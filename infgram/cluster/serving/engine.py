"""The engine of a deployed index, which answers the same queries as the native core, with equal results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np

from infgram.cluster.serving.backend import Ask, Backend
from infgram.cluster.serving.batching import Combiner
from infgram.cluster.serving.part import Refused
from infgram.cluster.serving.questions import Question, Questions
from infgram.cluster.serving.rounds import ask_together
from infgram.engine import Poll, Rows
from infgram.errors import QueryError
from infgram.partial import PartialAnswers, asked_for
from infgram.provenance import StoredMetadata
from infgram.tokenizers.checks import valid_token_ids
from infgram.types import Int64Array

T = TypeVar("T")


class ClusterEngine:
    """An `Engine`. Thread-safe.

    Attributes:
        questions: creates the queries for `ask_many`.
    """

    def __init__(self, backend: Backend) -> None:
        """Query the groups of a backend."""
        manifest = backend.layout.manifest
        self._backend = backend
        self._combiner = Combiner(lambda questions: ask_together(questions, backend.ask, allow_missing=False))
        self.questions = Questions(backend.layout)
        self.n_tokens = manifest.n_tokens
        self.n_documents = manifest.n_documents
        self.n_shards = len(manifest.shards)
        self.vocab_size = manifest.vocab_size
        self.token_bits = manifest.token_width_bits

    def ask_many(self, questions: Sequence[Question[T]]) -> list[T]:
        """Answer several queries together, with one message to each group per round.

        Raises:
            QueryError: one of the queries is invalid.
            ShardUnavailableError: a group cannot be reached.
        """
        partial = asked_for()
        answers = self._combiner.ask(questions) if partial is None else self._ask_partly(questions, partial)
        for answer in answers:
            if isinstance(answer, Refused):
                raise QueryError(*answer.error.args)
        return answers

    def _ask_partly(self, questions: Sequence[Question[Any]], partial: PartialAnswers) -> list[Any]:
        def send(asks: dict[int, list[Ask]], allow_missing: bool) -> dict[int, list[Any]]:
            answers = self._backend.ask(asks, allow_missing)
            for group in asks.keys() - answers.keys():
                partial.miss(self._backend.layout.shards_of(group))
            return answers

        return ask_together(questions, send, allow_missing=True)

    def _ask(self, question: Question[T]) -> T:
        return self.ask_many([question])[0]

    def find(self, tokens: Any) -> list[tuple[int, int]]:
        """Return the suffix range in each shard."""
        return self._ask(self.questions.find(tokens))

    def count(self, tokens: Any) -> int:
        """Count occurrences."""
        return self._ask(self.questions.count(tokens))

    def count_batch(self, queries: Sequence[Any]) -> Int64Array:
        """Count the occurrences of each query."""
        return self._ask(self.questions.count_batch(queries))

    def count_spans(self, tokens: Any, begins: Int64Array, ends: Int64Array) -> Int64Array:
        """Count the occurrences of each `tokens[begin:end]`."""
        return self._ask(self.questions.count_spans(tokens, begins, ends))

    def count_before(
        self, heads: Any, tokens: Any, begins: Int64Array, ends: Int64Array
    ) -> tuple[Int64Array, Int64Array, Int64Array]:
        """Count how often each token of `heads` precedes each `tokens[begin:end]`: spans, heads, counts."""
        return self._ask(self.questions.count_before(heads, tokens, begins, ends))

    def document_count(self, tokens: Any) -> int:
        """Count the documents with an occurrence."""
        return self._ask(self.questions.document_count(tokens))

    def next_tokens(self, context: Any, top_k: int | None = None) -> Rows:
        """Return the tokens that follow the whole context."""
        return self._ask(self.questions.next_tokens(context, top_k))

    def longest_suffix(self, context: Any, min_count: int) -> tuple[int, int]:
        """Return length and count of the longest suffix that occurs at least `min_count` times."""
        return self._ask(self.questions.longest_suffix(context, min_count))

    def infgram(self, context: Any, min_count: int, top_k: int | None) -> tuple[int, Rows]:
        """Return the length of the longest suffix, and the tokens that follow it."""
        return self._ask(self.questions.infgram(context, min_count, top_k))

    def infgram_counts(self, context: Any, row: int, min_count: int) -> tuple[int, int, int, bool]:
        """Return length and count of the longest suffix, the count of `row` after it, and whether it is sparse."""
        return self._ask(self.questions.infgram_counts(context, row, min_count))

    def score(self, tokens: Any, end: bool, min_count: int) -> tuple[Int64Array, Int64Array, Int64Array]:
        """Return suffix length, context count and continuation count of each position."""
        return self._ask(self.questions.score(tokens, end, min_count))

    def longest_matches(self, tokens: Any) -> tuple[Int64Array, Int64Array]:
        """Return length and count of the longest match that starts at each position."""
        return self._ask(self.questions.longest_matches(tokens))

    def locate(self, tokens: Any, limit: int) -> list[tuple[int, int]]:
        """Return document and offset of the first occurrences in suffix order."""
        return self._ask(self.questions.locate(tokens, limit))

    def locate_rank(self, shard: int, rank: int) -> tuple[int, int]:
        """Return document and offset of the suffix with this rank in a shard."""
        return self._ask(self.questions.locate_rank(shard, rank))

    def sample_documents(self, tokens: Any, limit: int, seed: int, most_read: int) -> list[tuple[int, int]]:
        """Sample documents, each with the offset of an occurrence."""
        return self._ask(self.questions.sample_documents(tokens, limit, seed, most_read))

    def document_tokens(self, document: int) -> Int64Array:
        """Return the token ids of a document."""
        return self._ask(self.questions.document_tokens(document))

    def read_window(self, document: int, begin: int, end: int) -> Int64Array:
        """Return the token ids of a document between two offsets, or to its end."""
        return self._ask(self.questions.read_window(document, begin, end))

    def document_metadata(self, documents: Sequence[int]) -> list[StoredMetadata]:
        """Return the metadata and the sources of documents."""
        return self._ask(self.questions.document_metadata(documents))

    def conjunction(self, clauses: Sequence[Sequence[Any]], max_distance: int | None) -> ClusterConjunction:
        """Return an AND of clauses; if `max_distance` is None, the scope is the document."""
        return ClusterConjunction(self, clauses, max_distance)

    def session(self, context: Any, min_count: int) -> ClusterSession:
        """Return a session with an initial context."""
        return ClusterSession(self, min_count, valid_token_ids(context, self.vocab_size).tolist())

    def verify(self, progress: Poll | None = None) -> None:
        """Verify every byte of every shard in its own process; `progress` is called at the end."""
        self._backend.verify()
        if progress is not None:
            progress(self.n_tokens)

    def close(self) -> None:
        """Disconnect from the groups."""
        self._backend.close()

    def duplicates(self, *_: Any) -> Any:
        """Raise an error: duplicates require the files of the index.

        Raises:
            QueryError: always.
        """
        raise QueryError(
            "duplicates cannot be found through a cluster; open the index, or a copy of it, on one machine: "
            "infgram.open(PATH)"
        )


class ClusterConjunction:
    """A `ConjunctionEngine`. Creating it counts the clauses, which validates them.

    All its queries use the groups that could be reached at that time.
    """

    def __init__(self, engine: ClusterEngine, clauses: Sequence[Sequence[Any]], max_distance: int | None) -> None:
        """Count the clauses."""
        self._engine, self._arguments = engine, (clauses, max_distance)
        (self._counts,) = engine.ask_many([engine.questions.clause_counts(*self._arguments)])

    def counts(self) -> list[int]:
        """Return the number of occurrences of each clause."""
        return [sum(counts) for counts in zip(*self._counts.values(), strict=True)]

    def documents(self, progress: Poll) -> tuple[Int64Array, Int64Array, Int64Array]:
        """Return matching documents in ascending order, their numbers of occurrences, and ones."""
        (result,) = self._engine.ask_many([self._engine.questions.matching(*self._arguments, list(self._counts))])
        progress(sum(self.counts()))
        return result

    def sampled_documents(self, size: int, seed: int, progress: Poll) -> tuple[Int64Array, Int64Array, Int64Array]:
        """Like `documents`, for a sample of the first clause; the last array tells if the first one was drawn."""
        first_counts = {group: counts[0] for group, counts in self._counts.items()}
        question = self._engine.questions.matching_sample(*self._arguments, size, seed, first_counts)
        (result,) = self._engine.ask_many([question])
        progress(size)
        return result

    def matches(self, document: int, limit: int, progress: Poll) -> tuple[int, list[tuple[int, int, int]]]:
        """Return the number of occurrences in a document, and clause, offset and length of the first ones."""
        (result,) = self._engine.ask_many([self._engine.questions.matches(*self._arguments, document, limit)])
        progress(result[0])
        return result


class ClusterSession:
    """A `SessionEngine`. Its state is the longest suffix, a few tokens that are sent with each query.

    So it survives the loss of an owner, and copying it takes no query. Not thread-safe.
    """

    def __init__(self, engine: ClusterEngine, min_count: int, context: list[int], n_tokens: int | None = None) -> None:
        """Start with a context."""
        self._engine, self._min_count, self._context = engine, min_count, context
        self._n_tokens = len(context) if n_tokens is None else n_tokens

    def append(self, tokens: Any) -> None:
        """Append tokens; the next query looks them up."""
        added = valid_token_ids(tokens, self._engine.vocab_size).tolist()
        self._context = [*self._context, *added]
        self._n_tokens += len(added)

    def distribution(self, top_k: int | None) -> tuple[int, Rows]:
        """Return the suffix length, and the tokens that follow."""
        length, rows = self._engine.infgram(self._context, self._min_count, top_k)
        self._shorten(length)
        return length, rows

    def state(self) -> tuple[int, int, int]:
        """Return the suffix length, its count, and the number of tokens appended."""
        length, count = self._engine.longest_suffix(self._context, self._min_count)
        self._shorten(length)
        return length, count, self._n_tokens

    def suffix(self) -> Int64Array:
        """Return the suffix, including appended tokens that were not yet looked up."""
        return np.array(self._context, dtype=np.int64)

    def copy(self) -> ClusterSession:
        """Return an independent session in the same state."""
        return ClusterSession(self._engine, self._min_count, self._context, self._n_tokens)

    def _shorten(self, length: int) -> None:
        """Drop tokens before the suffix, which no longer match can include, unless the answer may be partial."""
        if asked_for() is None:
            self._context = self._context[len(self._context) - length :]
