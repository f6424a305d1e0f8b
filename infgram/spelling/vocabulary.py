"""Which tokens a text can begin with, go on with and end with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from infgram.spelling.automaton import DEAD, Automaton
from infgram.tokenizers import TokenBytes
from infgram.types import Int64Array


@dataclass(frozen=True)
class Steps:
    """What the tokens do to an automaton: some finish the text, some end inside it, all others do not fit.

    Attributes:
        tokens: int64; first those in or after which the text is complete, once for each place where it begins, then
            those that end inside the text.
        n_finishing: how many are of the first kind.
        states: int32, the automaton's state after each of the second kind.
    """

    tokens: Int64Array
    n_finishing: int
    states: npt.NDArray[np.int32]


def first_steps(vocabulary: TokenBytes, automaton: Automaton) -> Steps:
    """The tokens in which the text begins, at whatever byte of them."""
    owners = np.repeat(np.arange(len(vocabulary.lengths)), vocabulary.lengths)
    return _run(vocabulary, automaton, owners, np.arange(len(vocabulary.data)), automaton.start)


def further_steps(vocabulary: TokenBytes, automaton: Automaton, state: int) -> Steps:
    """The tokens that may follow once the automaton is in this state."""
    tokens = np.flatnonzero(vocabulary.lengths)
    return _run(vocabulary, automaton, tokens, vocabulary.starts[tokens], state)


def _run(vocabulary: TokenBytes, automaton: Automaton, tokens: Int64Array, places: Int64Array, start: int) -> Steps:
    """Let all tokens be read at once, each from a place in the vocabulary's bytes on."""
    finishing, going_on, end_states = [], [], []
    states = np.full(len(tokens), start, dtype=np.int32)
    ends = vocabulary.starts[1:]
    while len(tokens):
        states = automaton.next_states[states, vocabulary.data[places]]
        is_finished = states == automaton.accept
        finishing.append(tokens[is_finished])
        is_read = ~is_finished & (states != DEAD)
        tokens, places, states = tokens[is_read], places[is_read] + 1, states[is_read]
        is_at_end = places == ends[tokens]
        going_on.append(tokens[is_at_end])
        end_states.append(states[is_at_end])
        tokens, places, states = tokens[~is_at_end], places[~is_at_end], states[~is_at_end]
    tokens = np.concatenate([*finishing, *going_on, tokens])
    return Steps(tokens, sum(map(len, finishing)), np.concatenate([*end_states, states]))
