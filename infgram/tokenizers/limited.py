"""Limit the memory that the reference encoder uses at a time, over all threads."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from threading import Condition
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from infgram.tokenizers.huggingface import HuggingFaceTokenizer
from infgram.tokenizers.protocol import Tokenizer
from infgram.types import Int64Array

Encoded: TypeAlias = tuple[npt.NDArray[np.uint32], Int64Array]
EncodeBatch: TypeAlias = Callable[[Sequence[str]], Encoded]

_BYTES_PER_CHARACTER: Final = 80  # memory of the package tokenizers while it encodes a text
_LONG_TEXT: Final = 1 << 18  # characters; after a longer text, free memory is returned to the operating system


def limited(tokenizer: Tokenizer, memory_bytes: int) -> EncodeBatch:
    """Return `tokenizer.encode_batch`, limited to `memory_bytes` if it uses the package `tokenizers`."""
    if not isinstance(tokenizer, HuggingFaceTokenizer):
        return tokenizer.encode_batch
    return LimitedEncoder(tokenizer.encode_batch, memory_bytes).encode_batch


class LimitedEncoder:
    """Blocks threads while encoding their texts would exceed the memory; a text above the limit is encoded alone.

    The ids are those of the wrapped encoder. Thread-safe.
    """

    def __init__(self, encode: EncodeBatch, memory_bytes: int) -> None:
        """Wrap an encoder.

        Args:
            encode: encodes one text after the other on the calling thread.
            memory_bytes: the limit for all threads together.
        """
        self._encode = encode
        self._total = self._available = max(1, memory_bytes // _BYTES_PER_CHARACTER)
        self._changed = Condition()

    def encode_batch(self, texts: Sequence[str]) -> Encoded:
        """Return the ids of all texts, as `Tokenizer.encode_batch` does."""
        longest = max((len(text) for text in texts if isinstance(text, str)), default=0)
        with self._reserved(min(longest, self._total)):
            encoded = self._encode(texts)
            if longest > _LONG_TEXT:
                _trim_heap()
        return encoded

    @contextmanager
    def _reserved(self, n_characters: int) -> Iterator[None]:
        """Reserve memory for a text, and wait until it is available."""
        with self._changed:
            self._changed.wait_for(lambda: self._available >= n_characters)
            self._available -= n_characters
        try:
            yield
        finally:
            with self._changed:
                self._available += n_characters
                self._changed.notify_all()


def _trim_heap() -> None:
    """Return freed memory, which the C library keeps for each thread, to the operating system."""
    with suppress(AttributeError):  # other C libraries have no such function, and keep less memory
        ctypes.CDLL(None).malloc_trim(0)
