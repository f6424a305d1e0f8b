"""The tokens in which a text can begin, continue and end."""

from __future__ import annotations

from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from infgram import _core
from infgram.tokenizations.automaton import Automaton
from infgram.tokenizers import TokenBytes
from infgram.types import Int64Array


class Steps(NamedTuple):
    """Tokens that complete the text or end inside it, as arrays with one row per token.

    Attributes:
        tokens: int64, the token ids.
        begins: int64, the number of bytes of the token before the first byte of the text.
        states: int64, the automaton's state after the last byte that it read.
        is_whole: whether the last byte that the automaton read is the last byte of the token.
    """

    tokens: Int64Array
    begins: Int64Array
    states: Int64Array
    is_whole: npt.NDArray[np.bool_]

    def where(self, chosen: npt.NDArray[np.bool_]) -> Steps:
        """Return the chosen rows."""
        return Steps._make([column[chosen] for column in self])


class Vocabulary:
    """The bytes of all tokens of an index, prepared for searches; cached as long as the `TokenBytes` exist."""

    def __init__(self, token_bytes: TokenBytes) -> None:
        self._core = _core.Vocabulary(token_bytes.data, token_bytes.starts)
        self.empty_tokens: Int64Array = np.flatnonzero(token_bytes.lengths == 0)

    @classmethod
    def of(cls, token_bytes: TokenBytes, vocab_size: int) -> Vocabulary:
        """Return the vocabulary of the first `vocab_size` tokens; the same object for the same arguments."""
        cached = _cache.setdefault(token_bytes, {})
        if vocab_size not in cached:
            cached[vocab_size] = cls(token_bytes.first(vocab_size))
        return cached[vocab_size]

    def first_steps(self, automaton: Automaton) -> Steps:
        """Return the tokens in which the text begins, at any byte."""
        return _steps(self._core.steps_inside(automaton.core))

    def further_steps(self, automaton: Automaton, state: int) -> Steps:
        """Return the tokens that can follow when the automaton is in this state."""
        return _steps(self._core.steps_after(automaton.core, state))


_cache: WeakKeyDictionary[TokenBytes, dict[int, Vocabulary]] = WeakKeyDictionary()


def _steps(columns: tuple[Int64Array, Int64Array, Int64Array, Int64Array]) -> Steps:
    tokens, begins, states, is_whole = columns
    return Steps(tokens, begins, states, is_whole.astype(np.bool_))
