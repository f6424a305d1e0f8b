"""A sample of the corpus that fits in memory: the same one every time, spread over everything."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from typing import Final

_LONGEST_PIECE: Final = 4096  # characters
_FEWEST_PIECES: Final = 256  # in a full sample
_64_BITS: Final = (1 << 64) - 1


class SpreadSample:
    """Pieces of texts of at most `max_bytes` of UTF-8 together, in the order of the texts; all if they fit.

    Long texts are cut into pieces, each piece gets a pseudo-random number from its place, and the pieces
    with the smallest numbers stay. So every part of the corpus has the same chance, whatever the sizes
    of the files, and the choice depends on nothing but the texts.

    Cost: one pass over the texts; memory for `max_bytes` of text.
    """

    def __init__(self, max_bytes: int, seed: int = 0) -> None:
        """Begin.

        Args:
            max_bytes: of all pieces.
            seed: another one gives another sample of the same texts.
        """
        self._max_bytes = max_bytes
        self._longest = max(1, min(_LONGEST_PIECE, max_bytes // _FEWEST_PIECES))
        # A heap, the largest number on top: −number, place, piece, bytes, group.
        self._kept: list[tuple[int, int, str, int, int]] = []
        self._limit, self._place, self._n_bytes = 1 << 64, 0, 0
        self._first_place = seed << 64 - 16  # so far apart that no corpus has so many pieces

    def add(self, text: str, group: int = 0) -> None:
        """Look at the next text, whose pieces belong to a group."""
        for start in range(0, len(text), self._longest):
            self._place += 1
            number = place_number(self._first_place + self._place)
            if number >= self._limit:
                continue
            piece = text[start : start + self._longest]
            size = len(piece) if piece.isascii() else len(piece.encode("utf-8"))
            heapq.heappush(self._kept, (-number, self._place, piece, size, group))
            self._n_bytes += size
            while self._n_bytes > self._max_bytes:
                number, _, _, size, _ = heapq.heappop(self._kept)
                self._limit, self._n_bytes = -number, self._n_bytes - size

    def pieces(self) -> list[str]:
        """Those that stay."""
        return [piece for _, _, piece, _, _ in self._in_order()]

    def groups(self) -> list[int]:
        """The group of each."""
        return [group for *_, group in self._in_order()]

    def _in_order(self) -> list[tuple[int, int, str, int, int]]:
        return sorted(self._kept, key=lambda entry: entry[1])


def spread_sample(texts: Iterable[str], max_bytes: int) -> list[str]:
    """The pieces of a `SpreadSample` of all these texts."""
    sample = SpreadSample(max_bytes)
    for text in texts:
        sample.add(text)
    return sample.pieces()


def place_number(place: int) -> int:
    """The splitmix64 sequence: 64 well mixed bits for each place."""
    x = (place * 0x9E3779B97F4A7C15) & _64_BITS
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _64_BITS
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _64_BITS
    return x ^ (x >> 31)
