"""The bytes of tokens, for tokenizers whose decoded text is the concatenated bytes of its tokens."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from infgram.types import Int64Array

PIECE: Final = 1 << 14
"""The number of tokens that are joined at once; the GIL can be released between pieces."""


class TokenBytes:
    """The bytes of every vocabulary entry of a tokenizer.

    Attributes:
        entries: the bytes of each entry.
        data: uint8, the concatenated bytes of all entries.
        starts: int64, the start of each entry in `data`, and the end of the last entry.
        lengths: int64, the length of each entry in bytes.
    """

    def __init__(self, entries: list[bytes]) -> None:
        self.entries = entries
        self.data: npt.NDArray[np.uint8] = np.frombuffer(b"".join(entries), dtype=np.uint8)
        self.lengths: Int64Array = np.array([len(entry) for entry in entries], dtype=np.int64)
        self.starts: Int64Array = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(self.lengths)))

    def first(self, n_entries: int) -> TokenBytes:
        """Return the first `n_entries` entries, or all if there are fewer."""
        return self if n_entries >= len(self.entries) else TokenBytes(self.entries[:n_entries])

    def join(self, token_ids: Int64Array) -> bytes:
        """Return the concatenated bytes of token ids. REQUIRES ids in the vocabulary."""
        pieces = (token_ids[start : start + PIECE].tolist() for start in range(0, len(token_ids), PIECE))
        return b"".join(b"".join(map(self.entries.__getitem__, piece)) for piece in pieces)

    def join_rows(self, token_ids: Int64Array) -> list[bytes]:
        """Return the concatenated bytes of each row of token ids. REQUIRES ids in the vocabulary."""
        entries = self.entries
        return [b"".join([entries[token_id] for token_id in row]) for row in token_ids.tolist()]
