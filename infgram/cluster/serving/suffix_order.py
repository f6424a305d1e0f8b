"""The suffixes of several parts in one order, by as much of them as it takes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Final

_END: Final = -1
"""The end of the document, which sorts before all tokens."""


class Occurrence:
    """A place, and as many of the tokens that tell its suffix from others as are known.

    Attributes:
        group: the part that has it.
        document: its number.
        offset: in the document, in tokens.
        key: tokens, behind those in which all agree; closed by `_END` where the document ends.
    """

    def __init__(self, group: int, place: tuple[int, int]) -> None:
        self.group = group
        self.document, self.offset = place
        self.key: tuple[int, ...] = ()

    def extend(self, tokens: Sequence[int], n_asked: int) -> None:
        """Add tokens to the key; fewer than were asked for are the document's last."""
        self.key += (*tokens, *((_END,) if len(tokens) < n_asked else ()))

    @property
    def is_whole(self) -> bool:
        """Whether the key is the whole suffix."""
        return self.key[-1:] == (_END,)


def to_compare(found: list[Occurrence]) -> list[Occurrence]:
    """Put occurrences in order, as far as it is known; what is equal, part by part, and of one part as it stands.

    Args:
        found: is sorted. The occurrences of one part are in their order.

    Returns:
        Those that more tokens must tell apart: equal, unfinished and of several parts.
    """
    found.sort(key=lambda occurrence: (occurrence.key, occurrence.group))
    tied = []
    for _, same in groupby(found, key=lambda occurrence: occurrence.key):
        some = list(same)
        if not some[0].is_whole and len({occurrence.group for occurrence in some}) > 1:
            tied += some
    return tied
