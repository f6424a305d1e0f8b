"""The tokenizer inside an index, held from the moment the index is opened."""

from __future__ import annotations

import hashlib
import json
import mmap
from functools import cached_property
from pathlib import Path

from infgram.errors import IndexDamagedError, TokenizerError
from infgram.tokenizers.fingerprint import encoding_fingerprint
from infgram.tokenizers.huggingface import FILE_NAME, HuggingFaceTokenizer
from infgram.tokenizers.protocol import Tokenizer
from infgram.tokenizers.utf8_bytes import BytesTokenizer


class SavedTokenizer:
    """What `Tokenizer.save` wrote. Its file is mapped, so that it is the same whatever happens to the path later.

    Attributes:
        kind: of the tokenizer.
        folder: where it was saved, for messages.
    """

    def __init__(self, kind: str, folder: Path) -> None:
        """Hold the file. O(1): nothing is read.

        Raises:
            IndexDamagedError: it is missing or cannot be opened.
        """
        self.kind, self.folder = kind, folder
        self._is_checked = False
        self._file = _mapped(folder / FILE_NAME) if kind == HuggingFaceTokenizer.kind else None

    def check(self, digest: str) -> None:
        """Raise IndexDamagedError unless the SHA-256 of the whole definition is this one."""
        found = BytesTokenizer.digest if self._file is None else hashlib.sha256(self._file).hexdigest()
        if found != digest:
            raise IndexDamagedError(
                f"{self.folder} is another tokenizer than the index was built with: the SHA-256 of its definition is "
                f"{found}, expected {digest}; copy the index again or rebuild it"
            )
        self._is_checked = True

    def load(self) -> Tokenizer:
        """Make the tokenizer; quicker after `check`, which proves that its definition is the one that was saved.

        Raises:
            IndexDamagedError: its file is no text.
            TokenizerError: this version knows no such kind, or cannot read the definition.
        """
        if self.kind == BytesTokenizer.kind:
            return BytesTokenizer()
        definition = self._definition()
        try:
            return HuggingFaceTokenizer.saved(definition) if self._is_checked else HuggingFaceTokenizer(definition)
        except TokenizerError as error:
            raise TokenizerError(f"{self.folder / FILE_NAME}: {error}") from error

    @cached_property
    def fingerprint(self) -> str:
        """That of the tokenizer, which is not made for it.

        Raises:
            IndexDamagedError: its file is no definition.
            TokenizerError: as `load`.
        """
        if self.kind == BytesTokenizer.kind:
            return BytesTokenizer.fingerprint
        try:
            return encoding_fingerprint(json.loads(self._definition()))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise self._damaged(error) from error

    def _definition(self) -> str:
        if self._file is None:
            raise TokenizerError(
                f"the index holds a tokenizer of kind {self.kind!r}; this version knows 'bytes', 'huggingface'"
            )
        try:
            return str(self._file, "utf-8")
        except UnicodeDecodeError as error:
            raise self._damaged(error) from error

    def _damaged(self, error: Exception) -> IndexDamagedError:
        return IndexDamagedError(f"{self.folder / FILE_NAME}: the saved tokenizer cannot be read: {error}")


def load_saved(kind: str, folder: Path) -> Tokenizer:
    """The tokenizer that `Tokenizer.save` wrote into `folder`.

    Args:
        kind: the saved tokenizer's `kind`.
        folder: where it was saved.

    Raises:
        IndexDamagedError: its file is missing or is no text.
        TokenizerError: this version knows no such kind, or cannot read the definition.
    """
    return SavedTokenizer(kind, folder).load()


def _mapped(path: Path) -> mmap.mmap | bytes:
    """The content of a file as it is now; the name may go away."""
    try:
        with path.open("rb") as file:
            is_empty = not file.seek(0, 2)
            return b"" if is_empty else mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except OSError as error:
        raise IndexDamagedError(f"{path}: the saved tokenizer cannot be read: {error}") from error
