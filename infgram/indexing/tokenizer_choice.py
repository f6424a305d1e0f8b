"""The tokenizer of a build: given, named, or trained on the corpus."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from infgram import _core
from infgram.arguments import instance
from infgram.corpus import Corpus
from infgram.errors import TokenizerError
from infgram.files.disk import storage_errors
from infgram.files.manifest import TokenizerEntry
from infgram.indexing.checkpoint import TOKENIZER_FOLDER, Checkpoint
from infgram.tokenizers import HuggingFaceTokenizer, Tokenizer, load_saved, resolve, train_bpe

T = TypeVar("T")

_POLL_S: Final = 0.1


def interruptible(work: Callable[[], T]) -> T:
    """Run native work that ignores signals on another thread, so that Ctrl-C interrupts the wait at once.

    After Ctrl-C the work continues on a daemon thread, which does not keep the process alive.
    """
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:  # noqa: BLE001  # raised again below
            errors.append(error)

    thread = threading.Thread(target=run, name="infgram-train", daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(_POLL_S)
    if errors:
        raise errors[0]
    return results[0]


_DEFAULT_VOCABULARY: Final = 32_000
SAMPLE_BYTES: Final = 16 << 20


@dataclass(frozen=True)
class TokenizerChoice:
    """The value of `tokenizer=`.

    Attributes:
        given: the tokenizer; None if one is to be trained.
        vocab_size: the maximum vocabulary size of a tokenizer to be trained.
    """

    given: Tokenizer | None
    vocab_size: int = _DEFAULT_VOCABULARY

    @classmethod
    def of(cls, spec: str | os.PathLike[str] | Tokenizer) -> TokenizerChoice:
        """Load the tokenizer, unless it is to be trained.

        Raises:
            TokenizerError: there is no tokenizer of this name.
        """
        if not isinstance(spec, str | os.PathLike):
            return cls(checked_tokenizer(spec))
        name = os.fspath(spec)
        if name != "bpe" and not name.startswith("bpe:"):
            return cls(resolve(name))
        size = name.removeprefix("bpe").removeprefix(":")
        if size and not size.isdecimal():
            raise TokenizerError(f"{name!r} is not a tokenizer; expected 'bpe', or 'bpe:8000' with a vocabulary size")
        return cls(None, int(size) if size else _DEFAULT_VOCABULARY)

    @property
    def kind(self) -> str:
        """The kind of the tokenizer."""
        return HuggingFaceTokenizer.kind if self.given is None else self.given.kind

    @property
    def plan(self) -> dict[str, Any]:
        """The values that, with the corpus, determine the tokenizer."""
        if self.given is None:
            return {"kind": "bpe", "vocab_size": self.vocab_size, "sample_bytes": SAMPLE_BYTES}
        return asdict(entry_of(self.given))

    def of_texts(self, texts: list[str]) -> Tokenizer:
        """Return the given tokenizer, or train one on these texts; Ctrl-C interrupts training.

        Raises:
            TokenizerError: the vocabulary size is out of range.
        """
        return self.given or interruptible(lambda: train_bpe(texts, self.vocab_size))

    def finish(self, corpus: Corpus, checkpoint: Checkpoint) -> Tokenizer:
        """Save the tokenizer in the index and return it; a tokenizer trained by an interrupted build is reused.

        Raises:
            TokenizerError: as `of_texts`.
            InputError: the corpus cannot be read.
            StorageError: the tokenizer cannot be written.
        """
        folder = checkpoint.folder / TOKENIZER_FOLDER
        if checkpoint.tokenizer is not None:
            return load_saved(checkpoint.tokenizer.kind, folder)
        tokenizer = self.given or self.of_texts(list(corpus.sample_texts(SAMPLE_BYTES)))
        save(tokenizer, folder)
        if self.given is None:
            checkpoint.finish_training(entry_of(tokenizer))
        return tokenizer


def attached_tokenizer(spec: str | os.PathLike[str] | Tokenizer) -> Tokenizer:
    """Return the tokenizer that made token ids.

    Raises:
        TokenizerError: there is no tokenizer of this name, or it would have to be trained.
    """
    return resolve(spec) if isinstance(spec, str | os.PathLike) else checked_tokenizer(spec)


def checked_tokenizer(spec: Tokenizer) -> Tokenizer:
    """Return the tokenizer.

    Raises:
        TypeError: the argument is not a tokenizer.
    """
    return instance(spec, "tokenizer", Tokenizer, "a name, a path, or a tokenizer of infgram.tokenizers")


def entry_of(tokenizer: Tokenizer) -> TokenizerEntry:
    """Return the manifest entry of a tokenizer."""
    return TokenizerEntry(tokenizer.kind, tokenizer.digest)


def save(tokenizer: Tokenizer, folder: Path) -> None:
    """Save a tokenizer into a new folder.

    Raises:
        StorageError: the folder cannot be written.
    """
    with storage_errors(f"write {folder}"):
        folder.mkdir()
        tokenizer.save(folder)
        for path in folder.iterdir():
            with open(path, "rb") as file:
                os.fsync(file.fileno())
    _core.sync_folder(folder)
