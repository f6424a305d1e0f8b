"""A string's occurrences by the tokens in which they are: as typed, after a space, cut otherwise, in another case."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from infgram.engine import Engine
from infgram.errors import QueryError
from infgram.tokenizations.search import Spellings, TooManySpellings, find_spellings
from infgram.tokenizers import Tokenizer
from infgram.types import Int64Array, Reading, Readings

MOST_CHARACTERS: Final = 500
"""Of a longer text only its own tokens are counted."""


class _Part(NamedTuple):
    """Occurrences so far, and the most frequent sequence with its count."""

    total: int
    best: int
    token_ids: tuple[int, ...]


_NOTHING: Final = _Part(0, 0, ())


def find_readings(engine: Engine, tokenizer: Tokenizer, text: str, *, other_case: bool, max_branches: int) -> Readings:
    """What `Index.readings` documents."""
    if not text:
        raise QueryError("the text is empty, which occurs at every token; expected at least one character")
    typed = tokenizer.encode(text)
    spaced = _after_space(tokenizer, text, typed)
    as_typed = Reading(engine.count(typed), tuple(typed.tolist()), tokenizer.decode(typed))
    after_space = None if spaced is None else Reading(engine.count(spaced), tuple(spaced.tolist()), f" {text}")
    own = _Own(typed, spaced)
    parts = None
    if len(text) <= MOST_CHARACTERS and tokenizer.token_bytes() is not None:
        if other_case:
            parts = _parts(engine, tokenizer, text, own, ignore_case=True, max_branches=max_branches)
        if parts is None:
            parts = _parts(engine, tokenizer, text, own, ignore_case=False, max_branches=max_branches)
    if parts is None:
        return Readings(text, None, as_typed, after_space, None, None, is_exact=False)
    return Readings(
        text,
        parts.n_own + parts.other_cuts.total,
        as_typed,
        after_space,
        _reading(tokenizer, parts.other_cuts),
        None if parts.other_case is None else _reading(tokenizer, parts.other_case),
        is_exact=parts.other_case is not None or not other_case,
    )


class _Own(NamedTuple):
    """The tokens of the text, and those with a space in front if that is part of the first one."""

    typed: Int64Array
    spaced: Int64Array | None

    def among(self, spellings: Spellings) -> npt.NDArray[np.bool_]:
        """Which sequences are one of them."""
        found = np.zeros(len(spellings.counts), dtype=np.bool_)
        n_tokens = spellings.tokens.shape[1]
        if len(self.typed) == n_tokens:
            found |= (spellings.tokens == self.typed).all(axis=1)
        if self.spaced is not None and len(self.spaced) == n_tokens:
            found |= (spellings.tokens == self.spaced).all(axis=1) & (spellings.begins == 1)
        return found


class _Parts(NamedTuple):
    """`other_case` is None if it was not looked for."""

    n_own: int
    other_cuts: _Part
    other_case: _Part | None


def _parts(
    engine: Engine, tokenizer: Tokenizer, text: str, own: _Own, *, ignore_case: bool, max_branches: int
) -> _Parts | None:
    """The occurrences by reading; None if they take more than `max_branches`."""
    n_own, cuts, case = 0, _NOTHING, _NOTHING
    try:
        found = find_spellings(engine, tokenizer, text, ignore_case=ignore_case, max_branches=max_branches)
        for spellings in found:
            if ignore_case:
                is_same = _is_in_this_case(tokenizer, spellings, text.encode())
                case = _with(case, spellings.where(~is_same))
                spellings = spellings.where(is_same)
            is_own = own.among(spellings)
            n_own += int(spellings.counts[is_own].sum())
            cuts = _with(cuts, spellings.where(~is_own))
    except TooManySpellings:
        return None
    return _Parts(n_own, cuts, case if ignore_case else None)


def _with(part: _Part, spellings: Spellings) -> _Part:
    if len(spellings.counts) == 0:
        return part
    place = int(spellings.counts.argmax())
    best = int(spellings.counts[place])
    token_ids = tuple(spellings.tokens[place].tolist()) if best > part.best else part.token_ids
    return _Part(part.total + int(spellings.counts.sum()), max(best, part.best), token_ids)


def _is_in_this_case(tokenizer: Tokenizer, spellings: Spellings, data: bytes) -> npt.NDArray[np.bool_]:
    """Whether each sequence holds the very bytes."""
    vocabulary = tokenizer.token_bytes()
    assert vocabulary is not None, "a text that has spellings has them in bytes"
    rows = zip(vocabulary.join_rows(spellings.tokens), spellings.begins.tolist(), strict=True)
    return np.array([held.startswith(data, begin) for held, begin in rows], dtype=np.bool_)


def _after_space(tokenizer: Tokenizer, text: str, typed: Int64Array) -> Int64Array | None:
    """The tokens of the text with a space in front, if the first of them is more than the space.

    None where they are the tokens of the text itself, as of a tokenizer that puts a space in front.
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


def _reading(tokenizer: Tokenizer, part: _Part) -> Reading:
    return Reading(part.total, part.token_ids, tokenizer.decode(part.token_ids) if part.token_ids else "")
