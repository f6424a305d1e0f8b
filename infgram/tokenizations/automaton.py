"""A text as an automaton over UTF-8 bytes, so that matching can be suspended and resumed at token borders."""

from __future__ import annotations

from typing import Final

import numpy as np

from infgram import _core
from infgram.tokenizations.folding import variants

DEAD: Final = -1


class Automaton:
    """Recognizes a text, or all texts with the same case folding.

    The automaton is deterministic, since no character's UTF-8 is a prefix of another's. A state represents the
    characters that were read, and the first bytes of the next one.

    Attributes:
        start: the state before the first byte.
        accept: the state after the last byte.
        core: the table of next states, for the core.
    """

    start: Final = 0

    def __init__(self, text: str, *, ignore_case: bool) -> None:
        rows: list[dict[int, int]] = [{}]
        state = self.start
        for character in text:
            state = _append(rows, state, [c.encode() for c in (variants(character) if ignore_case else (character,))])
        self.accept = state
        next_states = np.full((len(rows), 256), DEAD, dtype=np.int32)
        for number, row in enumerate(rows):
            next_states[number, list(row)] = list(row.values())
        self.core = _core.ByteAutomaton(next_states, self.accept)


def _append(rows: list[dict[int, int]], state: int, spellings: list[bytes]) -> int:
    """Add transitions that read any one of the spellings from a state on; return the state after them."""
    inside: dict[bytes, int] = {b"": state}  # the state after each prefix of a spelling
    for spelling in spellings:
        for end in range(1, len(spelling)):
            if spelling[:end] not in inside:
                inside[spelling[:end]] = rows[inside[spelling[: end - 1]]][spelling[end - 1]] = len(rows)
                rows.append({})
    after = len(rows)
    rows.append({})
    for spelling in spellings:
        rows[inside[spelling[:-1]]][spelling[-1]] = after
    return after
