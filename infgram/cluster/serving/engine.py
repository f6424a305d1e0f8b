"""The engine of a deployed index, which answers the same queries as the native core, with equal results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

import numpy as np

from infgram.cluster.serving.backend import Backend, GroupQuery
from infgram.cluster.serving.combiner import Combiner
from infgram.cluster.serving.distributed_queries import DistributedQueries, DistributedQuery
from infgram.cluster.serving.rounds import run_together
from infgram.cluster.serving.shard_group import Refused
from infgram.engine import Poll, Rows
from infgram.errors import QueryError
from infgram.partial import PartialAnswers, current_partial_answers
from infgram.tokenizers.checks import valid_token_ids
from infgram.types import Int64Array

P = ParamSpec("P")
T = TypeVar("T")


def _run(
    query: Callable[Concatenate[DistributedQueries, P], DistributedQuery[T]],
) -> Callable[Concatenate[ClusterEngine, P], T]:
    """Return the method that runs a distributed query and returns its answer."""

    @wraps(query)
    def run(self: ClusterEngine, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self.run_many([query(self.queries, *args, **kwargs)])[0]

    return run


_ON_ONE_MACHINE: Final = "open the index, or a copy of it, on one machine: infgram.open(PATH)"


class ClusterEngine:
    """An `Engine`. Thread-safe.

    Attributes:
        queries: creates the queries for `run_many`.
    """

    def __init__(self, backend: Backend) -> None:
        """Query the groups of a backend."""
        manifest = backend.layout.manifest
        self._backend = backend
        self._combiner = Combiner(lambda queries: run_together(queries, backend.run, allow_missing=False))
        self.queries = DistributedQueries(backend.layout)
        self.n_tokens = manifest.n_tokens
        self.n_documents = manifest.n_documents
        self.n_shards = len(manifest.shards)
        self.vocab_size = manifest.vocab_size
        self.token_bits = manifest.token_width_bits

    def run_many(self, queries: Sequence[DistributedQuery[T]]) -> list[T]:
        """Answer several queries together, with one message to each group per round.

        Raises:
            QueryError: one of the queries is invalid.
            ShardUnavailableError: a group cannot be reached.
        """
        partial = current_partial_answers()
        answers = self._combiner.run(queries) if partial is None else self._run_partly(queries, partial)
        for answer in answers:
            if isinstance(answer, Refused):
                raise QueryError(*answer.error.args)
        return answers

    def _run_partly(self, queries: Sequence[DistributedQuery[Any]], partial: PartialAnswers) -> list[Any]:
        def send(messages: dict[int, list[GroupQuery]], allow_missing: bool) -> dict[int, list[Any]]:
            answers = self._backend.run(messages, allow_missing)
            for group in messages.keys() - answers.keys():
                partial.add_missing(self._backend.layout.shards_of(group))
            return answers

        return run_together(queries, send, allow_missing=True)

    find = _run(DistributedQueries.find)
    count = _run(DistributedQueries.count)
    count_batch = _run(DistributedQueries.count_batch)
    count_spans = _run(DistributedQueries.count_spans)
    count_before = _run(DistributedQueries.count_before)
    document_count = _run(DistributedQueries.document_count)
    next_tokens = _run(DistributedQueries.next_tokens)
    longest_suffix = _run(DistributedQueries.longest_suffix)
    infgram = _run(DistributedQueries.infgram)
    infgram_counts = _run(DistributedQueries.infgram_counts)
    score = _run(DistributedQueries.score)
    longest_matches = _run(DistributedQueries.longest_matches)
    locate = _run(DistributedQueries.locate)
    locate_rank = _run(DistributedQueries.locate_rank)
    sample_documents = _run(DistributedQueries.sample_documents)
    document_ids = _run(DistributedQueries.document_ids)
    document_tokens = _run(DistributedQueries.document_tokens)
    document_length = _run(DistributedQueries.document_length)
    read_window = _run(DistributedQueries.read_window)
    document_metadata = _run(DistributedQueries.document_metadata)

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
            progress(sum(shard.n_tokens for shard in self._backend.layout.manifest.shards))

    def close(self) -> None:
        """Disconnect from the groups."""
        self._backend.close()

    def duplicates(self, *_: Any) -> Any:
        """Raise an error: duplicates require the files of the index.

        Raises:
            QueryError: always.
        """
        raise QueryError(f"duplicates cannot be found through a cluster; {_ON_ONE_MACHINE}")

    def token_stream(self) -> Any:
        """Raise an error: the stream requires the files of the index.

        Raises:
            QueryError: always.
        """
        raise QueryError(f"token batches cannot be read through a cluster; {_ON_ONE_MACHINE}")


class ClusterConjunction:
    """A `ConjunctionEngine`. Creating it counts the clauses, which validates them.

    All its queries use the groups that could be reached at that time.
    """

    def __init__(self, engine: ClusterEngine, clauses: Sequence[Sequence[Any]], max_distance: int | None) -> None:
        """Count the clauses."""
        self._engine, self._arguments = engine, (clauses, max_distance)
        (self._counts,) = engine.run_many([engine.queries.clause_counts(*self._arguments)])

    def counts(self) -> list[int]:
        """Return the number of occurrences of each clause."""
        return [sum(counts) for counts in zip(*self._counts.values(), strict=True)]

    def documents(self, progress: Poll) -> tuple[Int64Array, Int64Array, Int64Array]:
        """Return matching documents in ascending order, their numbers of occurrences, and ones."""
        (result,) = self._engine.run_many([self._engine.queries.matching(*self._arguments, list(self._counts))])
        progress(sum(self.counts()))
        return result

    def sampled_documents(self, size: int, seed: int, progress: Poll) -> tuple[Int64Array, Int64Array, Int64Array]:
        """Like `documents`, for a sample of the first clause; the last array tells if the first one was drawn."""
        first_counts = {group: counts[0] for group, counts in self._counts.items()}
        query = self._engine.queries.matching_sample(*self._arguments, size, seed, first_counts)
        (result,) = self._engine.run_many([query])
        progress(size)
        return result

    def matches(self, document: int, limit: int, progress: Poll) -> tuple[int, list[tuple[int, int, int]]]:
        """Return the number of occurrences in a document, and clause, offset and length of the first ones."""
        (result,) = self._engine.run_many([self._engine.queries.matches(*self._arguments, document, limit)])
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
        if current_partial_answers() is None:
            self._context = self._context[len(self._context) - length :]
