"""The occurrences of a span: the token sequences in which it occurs, and documents that contain it."""

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
    """An occurrence: `length` tokens of a document, beginning at `offset`."""

    document_id: int
    offset: int
    length: int


@dataclass(frozen=True)
class Occurrences:
    """The token sequences in which a span occurs.

    Attributes:
        tokens: the token ids of each sequence.
        counts: the number of occurrences of each sequence, at least 1.
        is_exact: whether the sequences are complete; False if the search was given up.
    """

    tokens: list[Int64Array]
    counts: list[int]
    is_exact: bool

    @classmethod
    def of(cls, index: Index, text: str, *, ignore_case: bool) -> Occurrences:
        """Find the occurrences of a string.

        A long string with few occurrences is read in the documents; other strings are searched. `is_exact` is False if
        the string is longer than `LONGEST_TEXT`, which is not searched, or if the search would follow more than
        `MOST_BRANCHES` sequences.
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
        """The number of occurrences of all sequences."""
        return sum(self.counts)

    def sample_documents(self, index: Index, *, limit: int, seed: int, most_read: int) -> list[Place]:
        """Return a sample of documents that contain the span, each with one occurrence.

        The documents are drawn as by `Index.sample_documents`. If there are more than `most_read` occurrences, the
        number of occurrences read for each sequence is proportional to its count.
        """
        total = self.count
        first: dict[int, Place] = {}
        for tokens, count in zip(self.tokens, self.counts, strict=True):
            n_read = count if total <= most_read else most_read * count // total
            sample = index.sample_documents(tokens, limit=limit, seed=seed, most_read=n_read) if n_read else []
            for document_id, offset in sample:
                place = Place(document_id, offset, len(tokens))
                first[document_id] = min(place, first.get(document_id, place))
        document_ids = np.array([*first], dtype=np.int64)
        return [first[number] for number in document_ids[np.argsort(order_of(document_ids, seed))[:limit]].tolist()]
