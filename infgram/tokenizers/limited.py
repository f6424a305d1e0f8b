"""The reference encoder within bounds: how much memory it takes at a time, over all threads."""

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

_TIMES: Final = 80  # what the package tokenizers takes for a text while it encodes it, in times its length
_LONG_TEXT: Final = 1 << 18  # characters; what was taken for one is given back to the operating system


def limited(tokenizer: Tokenizer, memory_bytes: int) -> EncodeBatch:
    """`tokenizer.encode_batch` in at most so much memory, where the package `tokenizers` does it."""
    if not isinstance(tokenizer, HuggingFaceTokenizer):
        return tokenizer.encode_batch
    return LimitedEncoder(tokenizer.encode_batch, memory_bytes).encode_batch


class LimitedEncoder:
    """Lets threads encode as long as that fits the memory; a text that is too long for it waits to be alone.

    The ids are those of the encoder within. Any number of threads may call it.
    """

    def __init__(self, encode: EncodeBatch, memory_bytes: int) -> None:
        """Bound an encoder.

        Args:
            encode: encodes one text after the other on the calling thread.
            memory_bytes: for all threads together.
        """
        self._encode = encode
        self._most = self._left = max(1, memory_bytes // _TIMES)
        self._changed = Condition()

    def encode_batch(self, texts: Sequence[str]) -> Encoded:
        """As `Tokenizer.encode_batch`."""
        longest = max((len(text) for text in texts if isinstance(text, str)), default=0)
        with self._taken(min(longest, self._most)):
            encoded = self._encode(texts)
            if longest > _LONG_TEXT:
                _give_back()
        return encoded

    @contextmanager
    def _taken(self, n_characters: int) -> Iterator[None]:
        with self._changed:
            self._changed.wait_for(lambda: self._left >= n_characters)
            self._left -= n_characters
        try:
            yield
        finally:
            with self._changed:
                self._left += n_characters
                self._changed.notify_all()


def _give_back() -> None:
    """The C library keeps what was freed, for each thread, unless it is told."""
    with suppress(AttributeError):  # other libraries have no such function, and keep less
        ctypes.CDLL(None).malloc_trim(0)
