"""`Index` of a deployed index."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from infgram import index
from infgram.arguments import at_least, flag, several, top_k_or_none
from infgram.cluster.serving.backend import Backend
from infgram.cluster.serving.distributed_queries import DistributedQuery
from infgram.cluster.serving.engine import ClusterEngine
from infgram.errors import IndexDamagedError, QueryError
from infgram.tables import with_owner
from infgram.types import (
    InfgramDistribution,
    Int64Array,
    LongestSuffix,
    NextTokenDistribution,
    Query,
    SequenceScore,
)

T = TypeVar("T")


class Index(index.Index):
    """An index whose groups of shards run in other processes. All methods return the same results as on one machine.

    Created by `infgram.open("ray://…")`. A batch takes one or two messages to each group. `infgram.dedup` and the
    models of `infgram.lm` require the files of the index.
    """

    def __init__(self, backend: Backend, folder: Path, url: str | None = None) -> None:
        """Use `infgram.open`.

        Args:
            backend: queries the groups.
            folder: a folder with the manifest and the tokenizer.
            url: the address for `infgram.open`; without one, the index cannot be pickled.
        """
        self._url = url
        self._engine = ClusterEngine(backend)
        self._set_up([folder.absolute()], [backend.layout.manifest], lambda: self._engine)

    @property
    def is_local(self) -> bool:
        """False: every query takes a message to each group."""
        return False

    def document_count_batch(self, queries: Iterable[Query]) -> Int64Array:
        """Return the document count of each query as int64."""
        counts = [self._engine.queries.document_count(self._tokens(query)) for query in several(queries, "queries")]
        return np.array(self._answers_to(counts), dtype=np.int64)

    def next_token_distribution_batch(
        self, contexts: Iterable[Query], *, top_k: int | None = None
    ) -> list[NextTokenDistribution]:
        """Return the `next_token_distribution` of each context."""
        k = top_k_or_none(top_k)
        queries = [
            self._engine.queries.next_tokens(self._tokens(context), k) for context in several(contexts, "contexts")
        ]
        return [with_owner(self, NextTokenDistribution(*rows)) for rows in self._answers_to(queries)]

    def longest_suffix_batch(self, contexts: Iterable[Query], *, min_count: int = 1) -> list[LongestSuffix]:
        """Return the `longest_suffix` of each context."""
        least = at_least(min_count, 1, "min_count")
        queries = [
            self._engine.queries.longest_suffix(self._tokens(context), least)
            for context in several(contexts, "contexts")
        ]
        return [LongestSuffix(*answer) for answer in self._answers_to(queries)]

    def infgram_distribution_batch(
        self, contexts: Iterable[Query], *, min_count: int = 1, top_k: int | None = None
    ) -> list[InfgramDistribution]:
        """Return the `infgram_distribution` of each context."""
        least, k = at_least(min_count, 1, "min_count"), top_k_or_none(top_k)
        queries = [
            self._engine.queries.infgram(self._tokens(context), least, k) for context in several(contexts, "contexts")
        ]
        answers = self._answers_to(queries)
        return [with_owner(self, InfgramDistribution(*rows, suffix_length=length)) for length, rows in answers]

    def score_batch(self, sequences: Iterable[Query], *, min_count: int = 1, end: bool = False) -> list[SequenceScore]:
        """Return the `score` of each sequence."""
        least, to_end = at_least(min_count, 1, "min_count"), flag(end, "end")
        tokens = [self._tokens(sequence) for sequence in several(sequences, "sequences")]
        answers = self._answers_to([self._engine.queries.score(each, to_end, least) for each in tokens])
        return [self._scored(each, to_end, *arrays) for each, arrays in zip(tokens, answers, strict=True)]

    def reload(self) -> bool:
        """Raise an error: a deployment keeps the state that it was deployed with.

        Raises:
            QueryError: always.
        """
        raise QueryError("an index in a cluster cannot be reloaded; deploy its current state again")

    def _verify_shards(self, progress: Callable[[int], None] | None) -> None:
        self._core.verify(progress)

    def close(self) -> None:
        """Disconnect; the index stays deployed."""
        super().close()
        self._engine.close()

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the address; unpickling connects to the cluster."""
        _ = self._core  # open
        if self._url is None:
            raise TypeError(f"{self!r} cannot be pickled, because it has no address for another process to open")
        return _reopened, (self._url, self._identity())

    def _answers_to(self, queries: Sequence[DistributedQuery[T]]) -> list[T]:
        _ = self._core  # open
        return self._engine.run_many(queries)


def _reopened(url: str, identity: list[str]) -> index.Index:
    """Open the index that was pickled.

    Raises:
        IndexDamagedError: the cluster has a different index of that name.
    """
    from infgram.cluster.serving.connection import connect  # which imports this module

    opened = connect(url)
    if opened._identity() != identity:
        raise IndexDamagedError(f"{url}: this is not the index that was pickled; open it again with infgram.open")
    return opened
