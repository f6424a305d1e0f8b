"""Which passages of an index stand in it more than once."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from itertools import islice
from typing import Final, NamedTuple, NoReturn

import numpy as np

from infgram import _core
from infgram.notebook import MOST_ROWS
from infgram.reprs import named_tuple_repr
from infgram.tables import Columns, Table
from infgram.types import Int64Array

_DOCUMENTS_AT_ONCE: Final = 4096


class DocumentDuplicates(NamedTuple):
    """The duplicates in one document.

    Attributes:
        document_id: its number in the index.
        spans: int64 of shape (n, 2): the tokens `[start, end)`, ascending, with other tokens between them.
    """

    document_id: int
    spans: Int64Array

    def __repr__(self) -> str:
        return named_tuple_repr(self)


class DedupTotals(NamedTuple):
    """How much of an index is duplicate.

    Attributes:
        n_documents: of the index.
        n_tokens: of the index.
        n_duplicate_tokens: tokens inside duplicate spans.
        n_spans: duplicate spans.
        n_documents_with_duplicates: documents that hold a span.
    """

    n_documents: int
    n_tokens: int
    n_duplicate_tokens: int
    n_spans: int
    n_documents_with_duplicates: int


class Duplicates(Table):
    """Every passage of at least `min_tokens` tokens that stands earlier in the index, too; made by `infgram.dedup`.

    Iterating gives the documents that hold a duplicate, in their order, as `DocumentDuplicates`. It takes a bit of
    memory a token of the index, keeps the index's files open, and may be used by any number of threads.
    """

    def __init__(self, core: _core.Duplicates, n_documents: int, n_tokens: int) -> None:
        """Use `infgram.dedup`."""
        self._core = core
        self._n_documents, self._n_tokens = n_documents, n_tokens

    def __repr__(self) -> str:
        return f"<infgram.Duplicates in {self._n_documents:,} documents of {self._n_tokens:,} tokens>"

    def columns(self) -> Columns:
        """A row for each duplicate span: `document_id`, and its tokens `[start, end)`."""
        return _span_columns(list(self._batches()))

    def __iter__(self) -> Iterator[DocumentDuplicates]:
        for documents, spans in self._batches():
            numbers, firsts = np.unique(documents, return_index=True)
            for number, part in zip(numbers.tolist(), np.split(spans, firsts[1:]), strict=True):
                yield DocumentDuplicates(number, part)

    @cached_property
    def totals(self) -> DedupTotals:
        """The sums over all documents; one pass over the marks at the first use."""
        n_duplicate_tokens = n_spans = n_documents = 0
        for documents, spans in self._batches():
            n_duplicate_tokens += int((spans[:, 1] - spans[:, 0]).sum())
            n_spans += len(spans)
            n_documents += len(np.unique(documents))
        return DedupTotals(self._n_documents, self._n_tokens, n_duplicate_tokens, n_spans, n_documents)

    def __reduce__(self) -> NoReturn:
        """Refuse: the marks are as large as the index."""
        raise TypeError(
            "Duplicates cannot be pickled, since they are about as large as the index; pickle list(…) of them"
        )

    def _display(self) -> Columns:
        """The first spans; all of them may be very many."""
        first = _span_columns(list(islice(self._batches(), 1)))
        return {name: column[:MOST_ROWS] for name, column in first.items()}

    def _caption(self) -> str:
        return f"the first duplicate spans of {self._n_documents:,} documents, in tokens"

    def _batches(self) -> Iterator[tuple[Int64Array, Int64Array]]:
        """For each span its document and its `[start, end)`; no document is parted. No batch is empty."""
        for first in range(0, self._n_documents, _DOCUMENTS_AT_ONCE):
            last = min(first + _DOCUMENTS_AT_ONCE, self._n_documents)
            documents, starts, ends = self._core.ranges(first, last)
            if len(documents):
                yield documents, np.stack((starts, ends), axis=1)


def _span_columns(batches: list[tuple[Int64Array, Int64Array]]) -> Columns:
    documents = [documents for documents, _ in batches] or [np.empty(0, dtype=np.int64)]
    spans = np.concatenate([spans for _, spans in batches] or [np.empty((0, 2), dtype=np.int64)])
    return {"document_id": np.concatenate(documents), "start": spans[:, 0], "end": spans[:, 1]}
