"""The input of an analysis: the tokens of a text or token ids, aligned with the characters of the text if known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from infgram.errors import QueryError
from infgram.index import Index, tokenizer_or_none
from infgram.tokenizers import Tokenizer
from infgram.tokenizers.checks import valid_token_ids
from infgram.types import Int64Array, Query


@dataclass(frozen=True)
class Subject:
    """A sequence of tokens and its text.

    Attributes:
        token_ids: int64.
        text: the text; None if the index has no tokenizer, or if its tokenizer encodes the decoded ids differently.
        offsets: int64 of shape (n, 2), the range of characters of the text for each token; empty without a text.
        tokenizer: the tokenizer of the index, or None.
    """

    token_ids: Int64Array
    text: str | None
    offsets: Int64Array
    tokenizer: Tokenizer | None

    @classmethod
    def of(cls, index: Index, query: Query) -> Subject:
        """Tokenize a query with the tokenizer of an index.

        Raises:
            QueryError: the query is text and the index has no tokenizer, or an id is not in the vocabulary.
        """
        tokenizer = tokenizer_or_none(index)
        if isinstance(query, str):
            if tokenizer is None:
                raise _no_tokenizer(index)
            return cls(*_encoded(tokenizer, query), tokenizer)
        token_ids = valid_token_ids(query, index.vocab_size)
        if tokenizer is not None:
            again, text, offsets = _encoded(tokenizer, tokenizer.decode(token_ids))
            if np.array_equal(again, token_ids):
                return cls(token_ids, text, offsets, tokenizer)
        return cls(token_ids, None, np.empty((0, 2), dtype=np.int64), tokenizer)

    def characters(self, start: int, end: int) -> tuple[int, int] | None:
        """Return the range of characters of the tokens `[start, end)`; None without a text."""
        if self.text is None:
            return None
        return int(self.offsets[start, 0]), int(self.offsets[end - 1, 1])

    def tokens_at(self, characters: Sequence[tuple[int, int]]) -> tuple[Int64Array, Int64Array]:
        """Return the starts and ends of the token ranges that contain the ranges `[start, end)` of characters."""
        begins, ends = np.array(characters, dtype=np.int64).reshape(-1, 2).T
        first = np.searchsorted(self.offsets[:, 1], begins, side="right")
        return first, np.maximum(np.searchsorted(self.offsets[:, 0], ends, side="left"), first)

    def piece(self, start: int, end: int) -> str:
        """Return the text of the tokens `[start, end)`; empty if the index has no tokenizer."""
        characters = self.characters(start, end)
        if self.text is not None and characters is not None:
            return self.text[characters[0] : characters[1]]
        return "" if self.tokenizer is None else self.tokenizer.decode(self.token_ids[start:end])

    def word_borders(self) -> npt.NDArray[np.bool_]:
        """Return, for each position between tokens, 0 to n, whether a run of whole words may begin or end there.

        A word is a run of letters, digits and underscores, in any script. There is no border inside a character.

        Raises:
            QueryError: the text is unknown.
        """
        in_word = in_words(self._text_for("whole_words=True"))
        starts, ends_before = self.offsets[1:, 0], self.offsets[:-1, 1]
        borders = np.ones(len(self.token_ids) + 1, dtype=np.bool_)
        borders[1:-1] = (starts >= ends_before) & ~(in_word[starts] & in_word[starts + 1])
        return borders

    def breaks(self, delimiters: Sequence[str | int]) -> npt.NDArray[np.bool_]:
        """Return, for each token, whether a delimiter ends with it or, if the delimiter is a string, inside it.

        Raises:
            QueryError: a delimiter is an empty string, or neither a string nor a token id; or it is a string and the
                text is unknown.
        """
        ids = [delimiter for delimiter in delimiters if not isinstance(delimiter, str)]
        breaks: npt.NDArray[np.bool_] = np.isin(self.token_ids, valid_token_ids(ids, 2**32))
        for delimiter in delimiters:
            if isinstance(delimiter, str):
                last = last_characters(self._text_for("a delimiter that is a string"), delimiter)
                tokens = np.searchsorted(self.offsets[:, 0], last, side="right") - 1
                breaks[tokens[tokens >= 0]] = True
        return breaks

    def _text_for(self, option: str) -> str:
        if self.text is None:
            raise QueryError(
                f"{option} needs the text, which is unknown: the index has no tokenizer, or its tokenizer encodes the "
                "decoded text as other token ids; pass the text as the query, or leave out this option"
            )
        return self.text


def in_words(text: str) -> npt.NDArray[np.bool_]:
    """Return, for each character, whether it belongs to a word, with False added at both ends."""
    return np.array([False, *(letter.isalnum() or letter == "_" for letter in text), False])


def token_ids_of(index: Index, query: Query) -> Int64Array:
    """Return the token ids of a query as int64.

    Raises:
        QueryError: as for `Subject.of`.
    """
    if not isinstance(query, str):
        return valid_token_ids(query, index.vocab_size)
    tokenizer = tokenizer_or_none(index)
    if tokenizer is None:
        raise _no_tokenizer(index)
    return tokenizer.encode(query)


def _no_tokenizer(index: Index) -> QueryError:
    return QueryError(f"{index.paths[0]} holds no tokenizer to encode text; query with token ids")


def _encoded(tokenizer: Tokenizer, text: str) -> tuple[Int64Array, str, Int64Array]:
    token_ids, offsets = tokenizer.encode_with_offsets(text)
    return token_ids, text, offsets


def last_characters(text: str, delimiter: str) -> list[int]:
    """Return the position of the last character of each occurrence of a delimiter."""
    if not delimiter:
        raise QueryError("a delimiter is empty; expected a string of at least one character")
    positions = []
    at = text.find(delimiter)
    while at >= 0:
        positions.append(at + len(delimiter) - 1)
        at = text.find(delimiter, at + 1)
    return positions
