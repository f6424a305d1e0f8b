"""All occurrences of a string: extend matches of a string by reading the documents.

A search for a string takes time in proportion to its length for every token sequence that it follows. The occurrences
of a long string are among those of its first characters, so these are searched, and the documents are read from there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
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
        return [_read_on(partial(self._from, place), folded)[0] for place in self.places]

    def n_agreeing_before(self, text: str) -> list[int]:
        """Return for each occurrence how many characters right before it agree with the end of `text`."""
        reversed_text = self._folded(text)[::-1]
        return [_read_on(partial(self._before, place), reversed_text)[0] for place in self.places]

    def tokens_of(self, text: str) -> list[Int64Array]:
        """Return the token sequence of each occurrence of `text`, which begins with the string."""
        folded, sequences = self._folded(text), []
        for place in self.places:
            n_shared, n_tokens = _read_on(partial(self._from, place), folded)
            if n_shared == len(folded):
                tokens, _ = self._tokens_from(place, n_tokens)
                characters = self._characters(self.vocabulary.join(tokens)[place[2] :])
                n_bytes = place[2] + len(characters[: len(text)].encode("utf-8", errors="surrogateescape"))
                ends = np.cumsum(self.vocabulary.lengths[tokens])
                sequences.append(tokens[: int(np.searchsorted(ends, n_bytes)) + 1])
        return sequences

    def _folded(self, text: str) -> str:
        return fold(text) if self.ignore_case else text

    def _characters(self, data: bytes) -> str:
        return data.decode("utf-8", errors="surrogateescape")

    def _tokens_from(self, place: Int64Array, n_tokens: int) -> tuple[Int64Array, bool]:
        """Return the tokens of a document from an occurrence on, and whether the document ends there."""
        document_id, offset, _ = place.tolist()
        tokens = self.index.document_tokens(document_id, offset, offset + n_tokens)
        empty = np.flatnonzero(self.vocabulary.lengths[tokens] == 0)  # no string continues after such a token
        return tokens[: empty[0]] if len(empty) else tokens, len(tokens) < n_tokens or len(empty) > 0

    def _from(self, place: Int64Array, n_tokens: int) -> tuple[str, bool]:
        """Return the characters of a document from an occurrence on, and whether there are no more."""
        tokens, is_end = self._tokens_from(place, n_tokens)
        return self._folded(self._characters(self.vocabulary.join(tokens)[place[2] :])), is_end

    def _before(self, place: Int64Array, n_tokens: int) -> tuple[str, bool]:
        """Return the characters of a document before an occurrence, reversed, and whether there are no more."""
        document_id, offset, begin = place.tolist()
        first = max(0, offset - n_tokens)
        tokens = self.index.document_tokens(document_id, first, offset + 1)
        lengths = self.vocabulary.lengths[tokens]
        empty = np.flatnonzero(lengths == 0)
        data = self.vocabulary.join(tokens[empty[-1] + 1 :] if len(empty) else tokens)
        characters = self._characters(data[: len(data) - int(lengths[-1]) + begin])
        return self._folded(characters)[::-1], first == 0 or len(empty) > 0


def _read_on(read: Callable[[int], tuple[str, bool]], text: str) -> tuple[int, int]:
    """Read ever more tokens until their characters differ from a text or end.

    Args:
        read: returns the characters of a number of tokens, and whether there are no more.
        text: what they are compared with.

    Returns:
        The length of the common prefix, and the number of tokens that were read.
    """
    n_tokens = _FIRST_READ
    while True:
        characters, is_end = read(n_tokens)
        n_shared = _n_shared(characters, text)
        if is_end or n_shared == len(text) or n_shared + _LONGEST_CHARACTER < len(characters):
            return n_shared, n_tokens
        n_tokens *= 2


def _n_shared(one: str, other: str) -> int:
    """Return the length of the common prefix of two strings."""
    low, high = 0, min(len(one), len(other)) + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if one[low:middle] == other[low:middle] else (low, middle)
    return low
