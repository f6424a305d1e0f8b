"""The occurrences of a span: the token sequences that hold it, and documents that do."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from infgram.analysis import copies
from infgram.analysis.copies import MOST_BRANCHES, Copies
from infgram.index import Index
from infgram.search import order_of
from infgram.tokenizations import LONGEST_TEXT, TooManySpellings
from infgram.types import Int64Array


class Place(NamedTuple):
    """An occurrence: `length` tokens of a document from `offset` on."""

    document_id: int
    offset: int
    length: int


@dataclass(frozen=True)
class Occurrences:
    """The token sequences in which a span occurs.

    Attributes:
        tokens: of each sequence.
        counts: of each; more than 0.
        is_exact: whether these are all; False if the search for them was given up.
    """

    tokens: list[Int64Array]
    counts: list[int]
    is_exact: bool

    @classmethod
    def of(cls, index: Index, text: str, *, ignore_case: bool) -> Occurrences:
        """Return those of a string.

        A long string with few occurrences is read in the documents. Otherwise it is searched, as far as `MOST_BRANCHES`
        go; none is found of a string above `LONGEST_TEXT`.
        """
        if len(text) > copies.READ_FROM:
            vocabulary = index.tokenizer.token_bytes()
            few = vocabulary and Copies.of(index, vocabulary, text[: copies.READ_FROM], ignore_case=ignore_case)
            if few:
                sequences = Counter(tuple(sequence.tolist()) for sequence in few.tokens_of(text))
                found = [np.array(sequence, dtype=np.int64) for sequence in sequences]
                return cls(found, list(sequences.values()), is_exact=True)
        tokens: list[Int64Array] = []
        counts: list[int] = []
        if len(text) > LONGEST_TEXT:
            return cls(tokens, counts, is_exact=False)
        try:
            for spellings in index.spellings(text, ignore_case=ignore_case, max_branches=MOST_BRANCHES):
                tokens.extend(spellings.tokens)
                counts.extend(spellings.counts.tolist())
        except TooManySpellings:
            return cls(tokens, counts, is_exact=False)
        return cls(tokens, counts, is_exact=True)

    @property
    def count(self) -> int:
        """All of them."""
        return sum(self.counts)

    def sample_documents(self, index: Index, *, limit: int, seed: int, most_read: int) -> list[Place]:
        """Documents that hold the span, as `Index.sample_documents` draws them, each with a place.

        Of more occurrences than `most_read`, each sequence has its share of those that are read.
        """
        total = self.count
        first: dict[int, Place] = {}
        for tokens, count in zip(self.tokens, self.counts, strict=True):
            n_read = count if total <= most_read else most_read * count // total
            found = index.sample_documents(tokens, limit=limit, seed=seed, most_read=n_read) if n_read else []
            for document_id, offset in found:
                place = Place(document_id, offset, len(tokens))
                first[document_id] = min(place, first.get(document_id, place))
        document_ids = np.array([*first], dtype=np.int64)
        return [first[number] for number in document_ids[np.argsort(order_of(document_ids, seed))[:limit]].tolist()]
