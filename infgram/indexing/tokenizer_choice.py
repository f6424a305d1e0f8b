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
    """Do the work on another thread; a signal is noticed at once.

    After Ctrl-C the work is left to itself; its thread does not keep the process from ending.
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
    """What `tokenizer=` asks for.

    Attributes:
        given: the tokenizer; None when one is to be trained.
        vocab_size: entries at most of the one to be trained.
    """

    given: Tokenizer | None
    vocab_size: int = _DEFAULT_VOCABULARY

    @classmethod
    def of(cls, spec: str | os.PathLike[str] | Tokenizer) -> TokenizerChoice:
        """Load it, unless it is to be trained.

        Raises:
            TokenizerError: there is none of that name.
        """
        if not isinstance(spec, str | os.PathLike):
            return cls(checked_tokenizer(spec))
        name = os.fspath(spec)
        if name != "bpe" and not name.startswith("bpe:"):
            return cls(resolve(name))
        size = name.removeprefix("bpe").removeprefix(":")
        if size and not size.isdecimal():
            raise TokenizerError(f"{name!r} is no tokenizer; expected 'bpe', or 'bpe:8000' with the vocabulary's size")
        return cls(None, int(size) if size else _DEFAULT_VOCABULARY)

    @property
    def kind(self) -> str:
        """The kind of the tokenizer."""
        return HuggingFaceTokenizer.kind if self.given is None else self.given.kind

    @property
    def plan(self) -> dict[str, Any]:
        """What decides the tokenizer, given the corpus."""
        if self.given is None:
            return {"kind": "bpe", "vocab_size": self.vocab_size, "sample_bytes": SAMPLE_BYTES}
        return asdict(entry_of(self.given))

    def of_texts(self, texts: list[str]) -> Tokenizer:
        """The tokenizer that is given, or one trained on these texts; Ctrl-C ends the wait.

        Raises:
            TokenizerError: the vocabulary cannot be so small or large.
        """
        return self.given or interruptible(lambda: train_bpe(texts, self.vocab_size))

    def finish(self, corpus: Corpus, checkpoint: Checkpoint) -> Tokenizer:
        """The tokenizer, saved in the index: given, trained by an earlier build, or trained now.

        Raises:
            TokenizerError: as `of_texts`.
            InputError: the corpus cannot be read.
            StorageError: the operating system refused.
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
    """The tokenizer that made token ids.

    Raises:
        TokenizerError: there is none of that name, or it would have to be trained.
    """
    return resolve(spec) if isinstance(spec, str | os.PathLike) else checked_tokenizer(spec)


def checked_tokenizer(spec: Tokenizer) -> Tokenizer:
    """The tokenizer.

    Raises:
        TypeError: it is none.
    """
    return instance(spec, "tokenizer", Tokenizer, "a name, a path, or a tokenizer of infgram.tokenizers")


def entry_of(tokenizer: Tokenizer) -> TokenizerEntry:
    """What the manifest says of a tokenizer."""
    return TokenizerEntry(tokenizer.kind, tokenizer.digest)


def save(tokenizer: Tokenizer, folder: Path) -> None:
    """Save a tokenizer into a new folder.

    Raises:
        StorageError: the operating system refused.
    """
    with storage_errors(f"write {folder}"):
        folder.mkdir()
        tokenizer.save(folder)
        for path in folder.iterdir():
            with open(path, "rb") as file:
                os.fsync(file.fileno())
    _core.sync_folder(folder)
