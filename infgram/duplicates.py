"""Passages that occur more than once in an index."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Final, NamedTuple, NoReturn

import numpy as np

from infgram import _core
from infgram.caching import cached_property
from infgram.notebook import MOST_ROWS
from infgram.reprs import named_tuple_repr
from infgram.tables import Columns, Table
from infgram.types import Int64Array

_DOCUMENTS_AT_ONCE: Final = 4096


class DocumentDuplicates(NamedTuple):
    """The duplicates in one document.

    Attributes:
        document_id: the number of the document in the index.
        spans: int64 of shape (n, 2): token ranges `[start, end)`, ascending, disjoint and not adjacent.
    """

    document_id: int
    spans: Int64Array

    def __repr__(self) -> str:
        return named_tuple_repr(self)


class DedupTotals(NamedTuple):
    """The amount of duplicate text in an index.

    Attributes:
        n_documents: documents of the index.
        n_tokens: tokens of the index.
        n_duplicate_tokens: tokens inside duplicate spans.
        n_spans: duplicate spans.
        n_documents_with_duplicates: documents with at least one duplicate span.
    """

    n_documents: int
    n_tokens: int
    n_duplicate_tokens: int
    n_spans: int
    n_documents_with_duplicates: int


class Duplicates(Table):
    """All passages of at least `min_tokens` tokens that also occur earlier in the index. Returned by `infgram.dedup`.

    Iteration yields `DocumentDuplicates` for the documents with duplicates, in ascending order. The object takes one
    bit of memory per token of the index and keeps the files of the index open. It is thread-safe.
    """

    def __init__(
        self, core: _core.Duplicates, document_ids: Callable[[int, int], Int64Array], n_documents: int, n_tokens: int
    ) -> None:
        """Use `infgram.dedup`."""
        self._core, self._document_ids = core, document_ids
        self._n_documents, self._n_tokens = n_documents, n_tokens

    def __repr__(self) -> str:
        return f"<infgram.Duplicates in {self._n_documents:,} documents of {self._n_tokens:,} tokens>"

    def columns(self) -> Columns:
        """Return one row per duplicate span: `document_id`, and the token range `[start, end)`."""
        return _span_columns(list(self._batches()))

    def __iter__(self) -> Iterator[DocumentDuplicates]:
        for documents, spans in self._batches():
            numbers, firsts = np.unique(documents, return_index=True)
            for number, part in zip(numbers.tolist(), np.split(spans, firsts[1:]), strict=True):
                yield DocumentDuplicates(number, part)

    @cached_property
    def totals(self) -> DedupTotals:
        """The sums over all documents, computed on first use."""
        n_duplicate_tokens = n_spans = n_documents = 0
        for documents, spans in self._batches():
            n_duplicate_tokens += int((spans[:, 1] - spans[:, 0]).sum())
            n_spans += len(spans)
            n_documents += len(np.unique(documents))
        return DedupTotals(self._n_documents, self._n_tokens, n_duplicate_tokens, n_spans, n_documents)

    def __reduce__(self) -> NoReturn:
        """Refuse pickling: the marks are as large as the index."""
        raise TypeError("Duplicates cannot be pickled, since they are as large as the index; pickle list(duplicates)")

    def _display(self) -> Columns:
        """Return the first spans only."""
        first = _span_columns(list(islice(self._batches(), 1)))
        return {name: column[:MOST_ROWS] for name, column in first.items()}

    def _caption(self) -> str:
        return f"the first duplicate spans of {self._n_documents:,} documents, in tokens"

    def _batches(self) -> Iterator[tuple[Int64Array, Int64Array]]:
        """Yield non-empty batches of whole documents: the document of each span, and the spans."""
        first = 0
        while len(batch := self._document_ids(first, _DOCUMENTS_AT_ONCE)):
            last = int(batch[-1]) + 1
            documents, starts, ends = self._core.ranges(first, last)
            if len(documents):
                yield documents, np.stack((starts, ends), axis=1)
            first = last


def _span_columns(batches: list[tuple[Int64Array, Int64Array]]) -> Columns:
    documents = [documents for documents, _ in batches] or [np.empty(0, dtype=np.int64)]
    spans = np.concatenate([spans for _, spans in batches] or [np.empty((0, 2), dtype=np.int64)])
    return {"document_id": np.concatenate(documents), "start": spans[:, 0], "end": spans[:, 1]}
