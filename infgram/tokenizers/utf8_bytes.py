"""The tokenizer `bytes`: each byte of UTF-8 is a token."""

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
from infgram.tokenizers.segments import Segments
from infgram.tokenizers.token_bytes import TokenBytes
from infgram.types import Int64Array

_DEFINITION = b'{"type":"bytes","vocab_size":255}'


class BytesTokenizer(ShortRepr):
    """One token per byte of UTF-8; lossless for every text.

    The largest token id is 254, since UTF-8 never contains 0xFF. The free code is the document separator, so tokens fit
    into 8 bits.
    """

    _repr_fields = ("vocab_size", "fingerprint")

    kind = "bytes"
    is_lossless = True
    end_of_text_id: int | None = None
    vocab_size = 255
    fingerprint = digest = hashlib.sha256(_DEFINITION).hexdigest()

    def encode(self, text: str) -> Int64Array:
        return np.frombuffer(utf8(text), dtype=np.uint8).astype(np.int64)

    def encode_batch(self, texts: Sequence[str]) -> tuple[npt.NDArray[np.uint32], Int64Array]:
        encoded = [utf8(text, f"text {number} of the batch") for number, text in enumerate(texts)]
        lengths = np.array([len(data) for data in encoded], dtype=np.int64)
        return np.frombuffer(b"".join(encoded), dtype=np.uint8).astype(np.uint32), lengths

    def encode_with_offsets(self, text: str) -> tuple[Int64Array, Int64Array]:
        token_ids = self.encode(text)
        characters = np.cumsum(token_ids & 0xC0 != 0x80) - 1  # the other bytes are continuation bytes
        return token_ids, np.stack((characters, characters + 1), axis=1)

    def decode(self, token_ids: Sequence[int] | npt.NDArray[np.integer[Any]]) -> str:
        return self._bytes(token_ids).decode("utf-8", errors="replace")

    def tokens(self, token_ids: Sequence[int] | npt.NDArray[np.integer[Any]]) -> list[str]:
        return [show_bytes(bytes([byte])) for byte in self._bytes(token_ids)]

    def token_bytes(self) -> TokenBytes:
        return TokenBytes([bytes([byte]) for byte in range(self.vocab_size)])

    def segments(self) -> Segments:
        return Segments.of_bytes(self.token_bytes(), self.decode)

    def save(self, folder: Path) -> None:
        """Write nothing: the kind defines the tokenizer."""

    def _bytes(self, token_ids: Sequence[int] | npt.NDArray[np.integer[Any]]) -> bytes:
        return valid_token_ids(token_ids, self.vocab_size).astype(np.uint8).tobytes()
