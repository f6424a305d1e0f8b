"""The tokenizer that needs nothing: the bytes of UTF-8 are the tokens."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from infgram.reprs import ShortRepr
from infgram.tokenizers.checks import utf8, valid_token_ids
from infgram.tokenizers.display import show_bytes
from infgram.tokenizers.token_bytes import TokenBytes
from infgram.types import Int64Array

_DEFINITION = b'{"type":"bytes","vocab_size":255}'


class BytesTokenizer(ShortRepr):
    """One token a byte of UTF-8; lossless for every text.

    The vocabulary ends at 254, since UTF-8 never contains 0xFF: the free code is the separator, and
    a token still fits in 8 bits.
    """

    _repr_fields = ("vocab_size", "fingerprint")

    kind = "bytes"
    is_lossless = True
    vocab_size = 255
    fingerprint = digest = hashlib.sha256(_DEFINITION).hexdigest()

    def encode(self, text: str) -> Int64Array:
        return np.frombuffer(utf8(text), dtype=np.uint8).astype(np.int64)

    def encode_batch(self, texts: Sequence[str]) -> tuple[npt.NDArray[np.uint32], Int64Array]:
        encoded = [utf8(text, f"text {place} of the batch") for place, text in enumerate(texts)]
        lengths = np.array([len(data) for data in encoded], dtype=np.int64)
        return np.frombuffer(b"".join(encoded), dtype=np.uint8).astype(np.uint32), lengths

    def encode_with_offsets(self, text: str) -> tuple[Int64Array, Int64Array]:
        token_ids = self.encode(text)
        characters = np.cumsum(token_ids & 0xC0 != 0x80) - 1  # every other byte goes on with a character
        return token_ids, np.stack((characters, characters + 1), axis=1)

    def decode(self, token_ids: Sequence[int] | npt.NDArray[np.integer[Any]]) -> str:
        return self._bytes(token_ids).decode("utf-8", errors="replace")

    def tokens(self, token_ids: Sequence[int] | npt.NDArray[np.integer[Any]]) -> list[str]:
        return [show_bytes(bytes([byte])) for byte in self._bytes(token_ids)]

    def token_bytes(self) -> TokenBytes:
        return TokenBytes([bytes([byte]) for byte in range(self.vocab_size)])

    def save(self, folder: Path) -> None:
        """Nothing to write: the kind says it all."""

    def _bytes(self, token_ids: Sequence[int] | npt.NDArray[np.integer[Any]]) -> bytes:
        return valid_token_ids(token_ids, self.vocab_size).astype(np.uint8).tobytes()
