"""A sample of the corpus that fits in memory: the same one every time, spread over everything."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from typing import Final

_LONGEST_PIECE: Final = 4096  # characters
_FEWEST_PIECES: Final = 256  # in a full sample
_64_BITS: Final = (1 << 64) - 1


def spread_sample(texts: Iterable[str], max_bytes: int) -> list[str]:
    """Pieces of the texts, in their order, of at most `max_bytes` of UTF-8 together; all if they fit.

    Long texts are cut into pieces, each piece gets a pseudo-random number from its place, and the pieces
    with the smallest numbers stay. So every part of the corpus has the same chance, whatever the sizes
    of the files, and the choice depends on nothing but the texts.

    Cost: one pass over the texts; memory for `max_bytes` of text.
    """
    longest = max(1, min(_LONGEST_PIECE, max_bytes // _FEWEST_PIECES))
    kept: list[tuple[int, int, str, int]] = []  # a heap: −number, place, piece, bytes; the largest number on top
    limit, place, n_bytes = 1 << 64, 0, 0
    for text in texts:
        for start in range(0, len(text), longest):
            place += 1
            number = place_number(place)
            if number >= limit:
                continue
            piece = text[start : start + longest]
            size = len(piece) if piece.isascii() else len(piece.encode("utf-8"))
            heapq.heappush(kept, (-number, place, piece, size))
            n_bytes += size
            while n_bytes > max_bytes:
                number, _, _, size = heapq.heappop(kept)
                limit, n_bytes = -number, n_bytes - size
    return [piece for _, _, piece, _ in sorted(kept, key=lambda entry: entry[1])]


def place_number(place: int) -> int:
    """The splitmix64 sequence: 64 well mixed bits for each place."""
    x = (place * 0x9E3779B97F4A7C15) & _64_BITS
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _64_BITS
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _64_BITS
    return x ^ (x >> 31)
