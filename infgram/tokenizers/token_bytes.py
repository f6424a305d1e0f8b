"""The bytes of tokens, where a text is the bytes of its tokens, end to end."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from infgram.types import Int64Array

PIECE: Final = 1 << 14
"""Tokens that are joined at a time: each piece holds the interpreter's lock, and other threads run in between."""


class TokenBytes:
    """The bytes of every vocabulary entry of a tokenizer.

    Attributes:
        data: uint8, the bytes of all entries end to end.
        starts: int64, where each begins in `data`, and the end of the last.
        lengths: int64, the bytes of each.
    """

    def __init__(self, entries: list[bytes]) -> None:
        self._entries = entries
        self.data: npt.NDArray[np.uint8] = np.frombuffer(b"".join(entries), dtype=np.uint8)
        self.lengths: Int64Array = np.array([len(entry) for entry in entries], dtype=np.int64)
        self.starts: Int64Array = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(self.lengths)))

    def first(self, n_entries: int) -> TokenBytes:
        """Those of the first entries alone; all if there are no more."""
        return self if n_entries >= len(self._entries) else TokenBytes(self._entries[:n_entries])

    def join(self, token_ids: Int64Array) -> bytes:
        """The bytes of some tokens, end to end. REQUIRES ids of the vocabulary."""
        pieces = (token_ids[start : start + PIECE].tolist() for start in range(0, len(token_ids), PIECE))
        return b"".join(b"".join(map(self._entries.__getitem__, piece)) for piece in pieces)

    def join_rows(self, token_ids: Int64Array) -> list[bytes]:
        """The bytes of each row of tokens, end to end. REQUIRES ids of the vocabulary."""
        entries = self._entries
        return [b"".join([entries[token_id] for token_id in row]) for row in token_ids.tolist()]
