"""Merge the suffixes of several groups in order, reading only as many tokens as necessary."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Final

_END: Final = -1
"""The end of the document, which sorts before all tokens."""


class Occurrence:
    """An occurrence, and the tokens of its suffix that are known so far.

    Attributes:
        group: the group with the document.
        document: the number of the document.
        offset: the offset in the document, in tokens.
        key: the known tokens after those that all suffixes share, followed by `_END` at the end of the document.
    """

    def __init__(self, group: int, position: tuple[int, int]) -> None:
        self.group = group
        self.document, self.offset = position
        self.key: tuple[int, ...] = ()

    def extend(self, tokens: Sequence[int], n_asked: int) -> None:
        """Append tokens to the key. If there are fewer than requested, the document ends after them."""
        self.key += (*tokens, *((_END,) if len(tokens) < n_asked else ()))

    @property
    def is_whole(self) -> bool:
        """Whether the key contains the whole suffix."""
        return self.key[-1:] == (_END,)


def to_compare(occurrences: list[Occurrence]) -> list[Occurrence]:
    """Sort occurrences in place by their known tokens, then by group. The order within a group is kept.

    Args:
        occurrences: the occurrences; those of one group are in suffix order.

    Returns:
        The occurrences that need more tokens: equal keys of several groups that are not whole suffixes.
    """
    occurrences.sort(key=lambda occurrence: (occurrence.key, occurrence.group))
    tied = []
    for _, same in groupby(occurrences, key=lambda occurrence: occurrence.key):
        some = list(same)
        if not some[0].is_whole and len({occurrence.group for occurrence in some}) > 1:
            tied += some
    return tied
