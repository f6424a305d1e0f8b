"""Which tokens a text can begin with, go on with and end with."""

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
    """What some tokens do to an automaton: finish the text, or end inside it. Arrays of one length.

    Attributes:
        tokens: int64.
        begins: int64, bytes of the token before the first that was read.
        states: int64, the automaton's state after the last byte that was read.
        is_whole: whether the last byte that was read is the token's last.
    """

    tokens: Int64Array
    begins: Int64Array
    states: Int64Array
    is_whole: npt.NDArray[np.bool_]

    def where(self, chosen: npt.NDArray[np.bool_]) -> Steps:
        """Some of them."""
        return Steps._make([column[chosen] for column in self])


class Vocabulary:
    """The bytes of all tokens of an index, arranged once and kept as long as they."""

    def __init__(self, token_bytes: TokenBytes) -> None:
        self._core = _core.Vocabulary(token_bytes.data, token_bytes.starts)
        self.empty_tokens: Int64Array = np.flatnonzero(token_bytes.lengths == 0)

    @classmethod
    def of(cls, token_bytes: TokenBytes, vocab_size: int) -> Vocabulary:
        """That of the first `vocab_size` tokens; the same object for the same arguments."""
        known = _known.setdefault(token_bytes, {})
        if vocab_size not in known:
            known[vocab_size] = cls(token_bytes.first(vocab_size))
        return known[vocab_size]

    def first_steps(self, automaton: Automaton) -> Steps:
        """The tokens in which the text begins, at whatever byte of them."""
        return _steps(self._core.steps_inside(automaton.core))

    def further_steps(self, automaton: Automaton, state: int) -> Steps:
        """The tokens that may follow once the automaton is in this state."""
        return _steps(self._core.steps_after(automaton.core, state))


_known: WeakKeyDictionary[TokenBytes, dict[int, Vocabulary]] = WeakKeyDictionary()


def _steps(columns: tuple[Int64Array, Int64Array, Int64Array, Int64Array]) -> Steps:
    tokens, begins, states, is_whole = columns
    return Steps(tokens, begins, states, is_whole.astype(np.bool_))
