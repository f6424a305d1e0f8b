"""The package `fastokens`: a faster encoder for some kinds of tokenizers, used when an index is built.

The package may be missing, may not support a definition, or may give other ids than the package `tokenizers`, which is
the reference. `bulk.py` decides whether it is used.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from infgram.tokenizers.native_errors import NativeErrors
from infgram.types import Int64Array

_THREADS: Final = "FASTOKENS_BPE_THREADS"


class EngineError(Exception):
    """The fast encoder is unavailable or failed; never raised outside this package."""


_NATIVE: Final = NativeErrors(EngineError, "the package fastokens failed")


class Engine(Protocol):
    """A fast encoder of many texts, whose ids may be wrong."""

    name: str

    def encode_batch(self, texts: Sequence[str]) -> tuple[npt.NDArray[np.uint32], Int64Array]:
        """Return the ids of all texts, as `Tokenizer.encode_batch` does.

        Raises:
            EngineError: the encoder failed.
        """


class FastEngine:
    """An encoder of the package `fastokens`. Thread-safe; each call runs on the calling thread."""

    def __init__(self, definition: str) -> None:
        """Create the encoder from the text of a `tokenizer.json`.

        Raises:
            EngineError: the package is not installed, or does not support this kind of tokenizer.
        """
        try:
            fastokens: Any = import_module("fastokens")
        except ImportError as error:
            raise EngineError(f"the package fastokens cannot be imported ({error})") from error
        self.name = f"fastokens {_version()}"
        with _one_thread():
            with _NATIVE:
                self._tokenizer: Any = fastokens.Tokenizer.from_json_str(definition)
            self.encode_batch(["a", "b"])  # two texts, so that the package creates its pool now

    def encode_batch(self, texts: Sequence[str]) -> tuple[npt.NDArray[np.uint32], Int64Array]:
        """Return the concatenated ids of all texts, and the number of ids of each; special tokens are plain text."""
        with _NATIVE:
            flat, offsets = self._tokenizer.encode_batch_flat(list(texts), split_special_tokens=True)
        token_ids = np.frombuffer(flat, dtype="<u4").astype(np.uint32, copy=False)
        ends = np.frombuffer(offsets, dtype="<u8").astype(np.int64)
        if len(ends) != len(texts) + 1 or int(ends[-1]) != len(token_ids):
            raise EngineError(
                f"{len(texts)} texts gave {len(token_ids)} ids and {len(ends)} offsets, which do not match"
            )
        return token_ids, ends[1:] - ends[:-1]


@contextmanager
def _one_thread() -> Iterator[None]:
    """Limit the package's thread pool, sized once from the environment, to one thread unless the user sets its size."""
    if _THREADS in os.environ:
        yield
        return
    os.environ[_THREADS] = "1"
    try:
        yield
    finally:
        os.environ.pop(_THREADS, None)


def _version() -> str:
    from importlib import metadata  # slow to import, and `import infgram` imports this module

    try:
        return metadata.version("fastokens")
    except metadata.PackageNotFoundError:
        return "of unknown version"
