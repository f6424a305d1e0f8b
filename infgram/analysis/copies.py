"""All occurrences of a string, and how far the documents agree with a longer text around them.

A search for a string takes time in proportion to its length for every token sequence that it follows. The occurrences
of a long string are among those of its first characters, so these are searched, and the documents are read from there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from infgram.index import Index
from infgram.tokenizations import TooManySpellings, fold
from infgram.tokenizers import TokenBytes
from infgram.types import Int64Array

MOST_BRANCHES: Final = 20_000
"""Token sequences that a search for one string may follow."""

READ_FROM: Final = 200
"""Characters. Of a longer string, this many are searched, and the rest is read."""

MOST_COPIES: Final = 100
"""Occurrences that are read; of a string that occurs more often, every part is searched."""

_FIRST_READ: Final = 256  # tokens; then twice as many each time
_LONGEST_CHARACTER: Final = 4  # bytes, of which a piece of a document may begin or end with a part


@dataclass(frozen=True)
class Copies:
    """All occurrences of a string.

    Attributes:
        index: the corpus.
        vocabulary: the bytes of its tokens.
        ignore_case: whether characters with the same fold are equal.
        places: int64 of shape (n, 3): the document, the offset of the token in which the string begins, and the bytes
            of this token before the string.
    """

    index: Index
    vocabulary: TokenBytes
    ignore_case: bool
    places: Int64Array

    @classmethod
    def of(cls, index: Index, vocabulary: TokenBytes, text: str, *, ignore_case: bool) -> Copies | None:
        """Return the occurrences of a string; None if there are more than `MOST_COPIES` or the search was given up."""
        places: list[tuple[int, int, int]] = []
        n_copies = 0
        try:
            for found in index.spellings(text, ignore_case=ignore_case, max_branches=MOST_BRANCHES):
                n_copies += int(found.counts.sum())
                if n_copies > MOST_COPIES:
                    return None
                for tokens, begin in zip(found.tokens, found.begins.tolist(), strict=True):
                    places += [(document_id, offset, begin) for document_id, offset in index.locate(tokens)]
        except TooManySpellings:
            return None
        return cls(index, vocabulary, ignore_case, np.array(places, dtype=np.int64).reshape(-1, 3))

    def n_agreeing_from(self, text: str) -> list[int]:
        """Return for each occurrence how many characters agree with `text`, which begins with the string."""
        folded = self._folded(text)
        return [_n_shared(self._folded(self._read_from(place, folded)[1]), folded) for place in self.places]

    def n_agreeing_before(self, text: str) -> list[int]:
        """Return for each occurrence how many characters right before it agree with the end of `text`."""
        folded = self._folded(text)[::-1]
        return [_n_shared(self._read_before(place, folded), folded) for place in self.places]

    def tokens_of(self, text: str) -> list[Int64Array]:
        """Return the token sequence of each occurrence of `text`, which begins with the string."""
        folded, sequences = self._folded(text), []
        for place in self.places:
            tokens, characters = self._read_from(place, folded)
            if self._folded(characters).startswith(folded):
                n_bytes = place[2] + len(characters[: len(text)].encode("utf-8", errors="surrogateescape"))
                ends = np.cumsum(self.vocabulary.lengths[tokens])
                sequences.append(tokens[: int(np.searchsorted(ends, n_bytes)) + 1])
        return sequences

    def _folded(self, text: str) -> str:
        return fold(text) if self.ignore_case else text

    def _read_from(self, place: Int64Array, folded: str) -> tuple[Int64Array, str]:
        """Read a document from an occurrence on, as far as it agrees with a text, or farther."""
        document_id, offset, begin = place.tolist()
        n_tokens = _FIRST_READ
        while True:
            tokens = self.index.document_tokens(document_id, offset, offset + n_tokens)
            empty = np.flatnonzero(self.vocabulary.lengths[tokens] == 0)  # no string goes on after such a token
            is_end = len(tokens) < n_tokens or len(empty) > 0
            tokens = tokens[: empty[0]] if len(empty) else tokens
            characters = self.vocabulary.join(tokens)[begin:].decode("utf-8", errors="surrogateescape")
            n_shared = _n_shared(self._folded(characters), folded)
            if is_end or n_shared == len(folded) or n_shared + _LONGEST_CHARACTER < len(characters):
                return tokens, characters
            n_tokens *= 2

    def _read_before(self, place: Int64Array, reversed_text: str) -> str:
        """Read a document backwards from an occurrence, as far as it agrees with a reversed text, or farther."""
        document_id, offset, begin = place.tolist()
        n_tokens = _FIRST_READ
        while True:
            first = max(0, offset - n_tokens)
            tokens = self.index.document_tokens(document_id, first, offset + 1)
            empty = np.flatnonzero(self.vocabulary.lengths[tokens] == 0)
            is_end = first == 0 or len(empty) > 0
            tokens = tokens[empty[-1] + 1 :] if len(empty) else tokens
            data = self.vocabulary.join(tokens)
            data = data[: len(data) - int(self.vocabulary.lengths[tokens[-1]]) + begin]
            characters = self._folded(data.decode("utf-8", errors="surrogateescape"))[::-1]
            n_shared = _n_shared(characters, reversed_text)
            if is_end or n_shared == len(reversed_text) or n_shared + _LONGEST_CHARACTER < len(characters):
                return characters
            n_tokens *= 2


def _n_shared(one: str, other: str) -> int:
    """Return the length of the common prefix of two strings."""
    low, high = 0, min(len(one), len(other)) + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if one[low:middle] == other[low:middle] else (low, middle)
    return low
