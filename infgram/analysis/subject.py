"""What a tool looks at: a text or token ids, as tokens, with the characters that each token stands for if known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from infgram.errors import QueryError
from infgram.index import Index
from infgram.tokenizers import Tokenizer
from infgram.tokenizers.checks import valid_token_ids
from infgram.types import Int64Array, Query


@dataclass(frozen=True)
class Subject:
    """A sequence of tokens and its text.

    Attributes:
        token_ids: int64.
        text: None if the index holds no tokenizer, or if its tokenizer encodes the ids' text otherwise.
        offsets: int64 of shape (n, 2), the characters of the text that each token stands for; empty without a text.
        tokenizer: the index's.
    """

    token_ids: Int64Array
    text: str | None
    offsets: Int64Array
    tokenizer: Tokenizer | None

    @classmethod
    def of(cls, index: Index, query: Query) -> Subject:
        """The subject in the tokens of an index.

        Raises:
            QueryError: a text for an index without a tokenizer, or ids that are not in its vocabulary.
        """
        tokenizer = tokenizer_of(index)
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
        """The characters `[start, end)` of the text that the tokens `[start, end)` stand for; None without a text."""
        if self.text is None:
            return None
        return int(self.offsets[start, 0]), int(self.offsets[end - 1, 1])

    def tokens_at(self, characters: Sequence[tuple[int, int]]) -> tuple[Int64Array, Int64Array]:
        """The tokens `[start, end)` that hold each run of characters `[start, end)` of the text."""
        begins, ends = np.array(characters, dtype=np.int64).reshape(-1, 2).T
        first = np.searchsorted(self.offsets[:, 1], begins, side="right")
        return first, np.maximum(np.searchsorted(self.offsets[:, 0], ends, side="left"), first)

    def piece(self, start: int, end: int) -> str:
        """The text of the tokens `[start, end)`; empty if the index holds no tokenizer."""
        characters = self.characters(start, end)
        if self.text is not None and characters is not None:
            return self.text[characters[0] : characters[1]]
        return "" if self.tokenizer is None else self.tokenizer.decode(self.token_ids[start:end])

    def word_borders(self) -> npt.NDArray[np.bool_]:
        """For each place between tokens, 0 to n, whether no word goes on across it.

        A word is a run of letters, digits and underscores, in any script. No word ends inside a character.

        Raises:
            QueryError: there is no text.
        """
        in_word = in_words(self._text_for("whole_words=True"))
        starts, ends_before = self.offsets[1:, 0], self.offsets[:-1, 1]
        borders = np.ones(len(self.token_ids) + 1, dtype=np.bool_)
        borders[1:-1] = (starts >= ends_before) & ~(in_word[starts] & in_word[starts + 1])
        return borders

    def breaks(self, delimiters: Sequence[str | int]) -> npt.NDArray[np.bool_]:
        """For each token whether a delimiter ends with it: a token id, or a string that may end inside it.

        Raises:
            QueryError: a delimiter is neither or empty, or a string where there is no text.
        """
        ids = [delimiter for delimiter in delimiters if not isinstance(delimiter, str)]
        breaks: npt.NDArray[np.bool_] = np.isin(self.token_ids, valid_token_ids(ids, 2**32))
        for delimiter in delimiters:
            if isinstance(delimiter, str):
                last = last_characters(self._text_for("a delimiter that is a string"), delimiter)
                holders = np.searchsorted(self.offsets[:, 0], last, side="right") - 1
                breaks[holders[holders >= 0]] = True
        return breaks

    def _text_for(self, option: str) -> str:
        if self.text is None:
            raise QueryError(
                f"{option} needs the text: these token ids are not what the index's tokenizer makes of their text, "
                "or it holds none; ask with the text, or without that option"
            )
        return self.text


def in_words(text: str) -> npt.NDArray[np.bool_]:
    """For each character whether it belongs to a word; one more at either end, which does not."""
    return np.array([False, *(letter.isalnum() or letter == "_" for letter in text), False])


def token_ids_of(index: Index, query: Query) -> Int64Array:
    """The tokens of a query alone: int64.

    Raises:
        QueryError: as `Subject.of`.
    """
    if not isinstance(query, str):
        return valid_token_ids(query, index.vocab_size)
    tokenizer = tokenizer_of(index)
    if tokenizer is None:
        raise _no_tokenizer(index)
    return tokenizer.encode(query)


def tokenizer_of(index: Index) -> Tokenizer | None:
    """The index's tokenizer, or None if it was built from token ids."""
    return index._tokenizer_or_none()


def _no_tokenizer(index: Index) -> QueryError:
    return QueryError(f"{index.paths[0]} holds no tokenizer, so text cannot be asked; ask with token ids")


def _encoded(tokenizer: Tokenizer, text: str) -> tuple[Int64Array, str, Int64Array]:
    token_ids, offsets = tokenizer.encode_with_offsets(text)
    return token_ids, text, offsets


def last_characters(text: str, delimiter: str) -> list[int]:
    """The place of the last character of each occurrence."""
    if not delimiter:
        raise QueryError("a delimiter is empty; expected a string of at least one character")
    places = []
    at = text.find(delimiter)
    while at >= 0:
        places.append(at + len(delimiter) - 1)
        at = text.find(delimiter, at + 1)
    return places
