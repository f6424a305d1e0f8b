"""The occurrences of a string by tokenization: as typed, after a space, split differently, or in another case."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from infgram.engine import Engine
from infgram.errors import QueryError
from infgram.tokenizations.spellings import Spellings, TooManySpellings, find_spellings
from infgram.tokenizers import Tokenizer
from infgram.types import Int64Array, Reading, Readings

MOST_CHARACTERS: Final = 500
"""The maximum length of a text that is counted in other tokenizations than its own."""


class _ReadingCount(NamedTuple):
    """The number of occurrences so far, and the most frequent token sequence with its count."""

    total: int
    best: int
    token_ids: tuple[int, ...]


_NO_OCCURRENCES: Final = _ReadingCount(0, 0, ())


def find_readings(engine: Engine, tokenizer: Tokenizer, text: str, *, other_case: bool, max_branches: int) -> Readings:
    """Return the readings of a text, see `Index.readings`."""
    if not text:
        raise QueryError("the text is empty; expected at least one character")
    typed = tokenizer.encode(text)
    spaced = _after_space(tokenizer, text, typed)
    as_typed = Reading(engine.count(typed), tuple(typed.tolist()), tokenizer.decode(typed))
    after_space = None if spaced is None else Reading(engine.count(spaced), tuple(spaced.tolist()), f" {text}")
    own = _OwnTokens(typed, spaced)
    counts = None
    if len(text) <= MOST_CHARACTERS and tokenizer.token_bytes() is not None:
        if other_case:
            counts = _count_readings(engine, tokenizer, text, own, ignore_case=True, max_branches=max_branches)
        if counts is None:
            counts = _count_readings(engine, tokenizer, text, own, ignore_case=False, max_branches=max_branches)
    if counts is None:
        return Readings(text, None, as_typed, after_space, None, None, is_exact=False)
    return Readings(
        text,
        counts.n_own + counts.other_tokens.total,
        as_typed,
        after_space,
        _reading(tokenizer, counts.other_tokens),
        None if counts.other_case is None else _reading(tokenizer, counts.other_case),
        is_exact=counts.other_case is not None or not other_case,
    )


class _OwnTokens(NamedTuple):
    """The tokens of the text, and of the text after a space if the space is part of the first token."""

    typed: Int64Array
    spaced: Int64Array | None

    def among(self, spellings: Spellings) -> npt.NDArray[np.bool_]:
        """Return which sequences are one of the two."""
        is_own = np.zeros(len(spellings.counts), dtype=np.bool_)
        n_tokens = spellings.tokens.shape[1]
        if len(self.typed) == n_tokens:
            is_own |= (spellings.tokens == self.typed).all(axis=1)
        if self.spaced is not None and len(self.spaced) == n_tokens:
            is_own |= (spellings.tokens == self.spaced).all(axis=1) & (spellings.begins == 1)
        return is_own


class _ReadingCounts(NamedTuple):
    """The occurrences by kind of reading; `other_case` is None if it was not searched for."""

    n_own: int
    other_tokens: _ReadingCount
    other_case: _ReadingCount | None


def _count_readings(
    engine: Engine, tokenizer: Tokenizer, text: str, own: _OwnTokens, *, ignore_case: bool, max_branches: int
) -> _ReadingCounts | None:
    """Return the occurrences by kind of reading; None if the search requires more than `max_branches` sequences."""
    n_own, other, case = 0, _NO_OCCURRENCES, _NO_OCCURRENCES
    try:
        batches = find_spellings(engine, tokenizer, text, ignore_case=ignore_case, max_branches=max_branches)
        for spellings in batches:
            if ignore_case:
                is_same = _is_in_this_case(tokenizer, spellings, text.encode())
                case = _added(case, spellings.where(~is_same))
                spellings = spellings.where(is_same)
            is_own = own.among(spellings)
            n_own += int(spellings.counts[is_own].sum())
            other = _added(other, spellings.where(~is_own))
    except TooManySpellings:
        return None
    return _ReadingCounts(n_own, other, case if ignore_case else None)


def _added(count: _ReadingCount, spellings: Spellings) -> _ReadingCount:
    """Return a count with further occurrences."""
    if len(spellings.counts) == 0:
        return count
    position = int(spellings.counts.argmax())
    best = int(spellings.counts[position])
    token_ids = tuple(spellings.tokens[position].tolist()) if best > count.best else count.token_ids
    return _ReadingCount(count.total + int(spellings.counts.sum()), max(best, count.best), token_ids)


def _is_in_this_case(tokenizer: Tokenizer, spellings: Spellings, data: bytes) -> npt.NDArray[np.bool_]:
    """Return whether each sequence contains exactly these bytes."""
    vocabulary = tokenizer.token_bytes()
    assert vocabulary is not None, "spellings exist only for tokenizers with token bytes"
    rows = zip(vocabulary.join_rows(spellings.tokens), spellings.begins.tolist(), strict=True)
    return np.array([sequence.startswith(data, begin) for sequence, begin in rows], dtype=np.bool_)


def _after_space(tokenizer: Tokenizer, text: str, typed: Int64Array) -> Int64Array | None:
    """Return the tokens of the text after a space; None if the first token is the space alone.

    Also None if they equal the tokens of the text itself, as with a tokenizer that adds a space in front.
    """
    vocabulary = tokenizer.token_bytes()
    if vocabulary is None:
        return None
    tokens = tokenizer.encode(f" {text}")
    if np.array_equal(tokens, typed):
        return None
    if vocabulary.join(tokens) != f" {text}".encode() or len(vocabulary.join(tokens[:1])) == 1:
        return None
    return tokens


def _reading(tokenizer: Tokenizer, count: _ReadingCount) -> Reading:
    return Reading(count.total, count.token_ids, tokenizer.decode(count.token_ids) if count.token_ids else "")
