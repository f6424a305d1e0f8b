"""The package `fastokens`: a quicker encoder for the tokenizers that it knows, used when an index is built.

It may be missing, refuse a definition, or differ from the package `tokenizers`, which is the reference.
Whether it is used is decided in `bulk.py`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Final, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from infgram.types import Int64Array

_THREADS: Final = "FASTOKENS_BPE_THREADS"

Result = TypeVar("Result")


class EngineError(Exception):
    """The fast encoder refused or failed; never leaves this folder."""


class Engine(Protocol):
    """Something that encodes many texts quickly, and perhaps wrongly."""

    name: str

    def encode_batch(self, texts: Sequence[str]) -> tuple[npt.NDArray[np.uint32], Int64Array]:
        """As `Tokenizer.encode_batch`.

        Raises:
            EngineError: it failed, for whatever reason.
        """


class FastEngine:
    """An encoder of the package `fastokens`. Any number of threads may use it; each call runs on its own thread."""

    def __init__(self, definition: str) -> None:
        """Make the encoder from the text of a `tokenizer.json`.

        Raises:
            EngineError: the package is not installed, or does not know such a tokenizer.
        """
        try:
            fastokens: Any = import_module("fastokens")
        except ImportError as error:
            raise EngineError(f"the package fastokens cannot be imported ({error})") from error
        self.name = f"fastokens {_version()}"
        with _one_thread():
            self._tokenizer: Any = guarded(lambda: fastokens.Tokenizer.from_json_str(definition))
            self.encode_batch(["a", "b"])  # two texts, so that the package's pool is made now

    def encode_batch(self, texts: Sequence[str]) -> tuple[npt.NDArray[np.uint32], Int64Array]:
        """The ids of all texts end to end, and the length of each; special tokens in a text are plain text."""
        flat, offsets = guarded(lambda: self._tokenizer.encode_batch_flat(list(texts), split_special_tokens=True))
        token_ids = np.frombuffer(flat, dtype="<u4").astype(np.uint32, copy=False)
        ends = np.frombuffer(offsets, dtype="<u8").astype(np.int64)
        if len(ends) != len(texts) + 1 or int(ends[-1]) != len(token_ids):
            raise EngineError(f"{len(texts)} texts gave {len(ends)} offsets, of which the last is no end")
        return token_ids, ends[1:] - ends[:-1]


def guarded(call: Callable[[], Result]) -> Result:
    """The result of a call into another package's native code.

    Raises:
        EngineError: it raised; a panic of Rust code, which is no `Exception`, is meant too.
    """
    try:
        return call()
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise  # an interrupt
        raise EngineError(f"{type(error).__name__}: {error}") from error


@contextmanager
def _one_thread() -> Iterator[None]:
    """The package sizes its pool of threads once, from the environment; ours are enough, unless the user says so."""
    if _THREADS in os.environ:
        yield
        return
    os.environ[_THREADS] = "1"
    try:
        yield
    finally:
        os.environ.pop(_THREADS, None)


def _version() -> str:
    from importlib import metadata  # takes a while, and `import infgram` comes this way

    try:
        return metadata.version("fastokens")
    except metadata.PackageNotFoundError:
        return "of unknown version"
