"""A deterministic uniform sample of the corpus that fits in memory."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from typing import Final

_MAX_PIECE: Final = 4096  # characters
_MIN_PIECES: Final = 256  # in a full sample
_64_BITS: Final = (1 << 64) - 1


class SpreadSample:
    """Pieces of texts of at most `max_bytes` of UTF-8 in total, in the order of the texts; all pieces if they fit.

    Long texts are cut into pieces. Each piece gets a pseudo-random priority from its number, and the pieces with the
    smallest priorities are kept. Every part of the corpus is therefore equally likely, whatever the sizes of the
    files, and the sample depends on the texts alone.

    Cost: one pass over the texts; memory for `max_bytes` of text.
    """

    def __init__(self, max_bytes: int, seed: int = 0) -> None:
        """Create an empty sample.

        Args:
            max_bytes: the maximum size of all pieces.
            seed: another seed gives another sample of the same texts.
        """
        self._max_bytes = max_bytes
        self._piece_length = max(1, min(_MAX_PIECE, max_bytes // _MIN_PIECES))
        # A heap with the largest priority on top: −priority, number, piece, bytes, group.
        self._sample: list[tuple[int, int, str, int, int]] = []
        self._max_priority, self._n_pieces, self._n_bytes = 1 << 64, 0, 0
        self._first_number = seed << 64 - 16  # far enough apart that the numbers of two seeds are disjoint

    def add(self, text: str, group: int = 0) -> None:
        """Add the pieces of the next text, which belong to a group."""
        for start in range(0, len(text), self._piece_length):
            self._n_pieces += 1
            priority = mixed_bits(self._first_number + self._n_pieces)
            if priority >= self._max_priority:
                continue
            piece = text[start : start + self._piece_length]
            size = len(piece) if piece.isascii() else len(piece.encode("utf-8"))
            heapq.heappush(self._sample, (-priority, self._n_pieces, piece, size, group))
            self._n_bytes += size
            while self._n_bytes > self._max_bytes:
                negated, _, _, size, _ = heapq.heappop(self._sample)
                self._max_priority, self._n_bytes = -negated, self._n_bytes - size

    def pieces(self) -> list[str]:
        """Return the sampled pieces."""
        return [piece for _, _, piece, _, _ in self._in_order()]

    def groups(self) -> list[int]:
        """Return the group of each sampled piece."""
        return [group for *_, group in self._in_order()]

    def _in_order(self) -> list[tuple[int, int, str, int, int]]:
        return sorted(self._sample, key=lambda entry: entry[1])


def spread_sample(texts: Iterable[str], max_bytes: int) -> list[str]:
    """Return the pieces of a `SpreadSample` of all texts."""
    sample = SpreadSample(max_bytes)
    for text in texts:
        sample.add(text)
    return sample.pieces()


def mixed_bits(number: int) -> int:
    """Return an element of the splitmix64 sequence: 64 pseudo-random bits for each number."""
    x = (number * 0x9E3779B97F4A7C15) & _64_BITS
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _64_BITS
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _64_BITS
    return x ^ (x >> 31)
