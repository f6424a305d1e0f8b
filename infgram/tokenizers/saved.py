"""The tokenizer of an index, whose file is opened with the index and loaded when needed."""

from __future__ import annotations

import hashlib
import json
import mmap
from pathlib import Path

from infgram.caching import cached_property
from infgram.errors import IndexDamagedError, TokenizerError
from infgram.files.disk import open_regular
from infgram.files.signed_json import MOST_BYTES
from infgram.tokenizers.fingerprint import encoding_fingerprint
from infgram.tokenizers.huggingface import FILE_NAME, HuggingFaceTokenizer
from infgram.tokenizers.protocol import Tokenizer
from infgram.tokenizers.utf8_bytes import BytesTokenizer


class SavedTokenizer:
    """A tokenizer written by `Tokenizer.save`. Its file is memory-mapped, so later changes of the path have no effect.

    Attributes:
        kind: the kind of the tokenizer.
        folder: the folder of the tokenizer, for messages.
    """

    def __init__(self, kind: str, folder: Path) -> None:
        """Map the file without reading it.

        Raises:
            IndexDamagedError: the file is missing or cannot be opened.
        """
        self.kind, self.folder = kind, folder
        self._is_checked = False
        self._file = _mapped(folder / FILE_NAME) if kind == HuggingFaceTokenizer.kind else None

    def check(self, digest: str) -> None:
        """Raise IndexDamagedError unless `digest` is the SHA-256 of the whole definition."""
        actual = BytesTokenizer.digest if self._file is None else hashlib.sha256(self._file).hexdigest()
        if actual != digest:
            raise IndexDamagedError(
                f"{self.folder} is not the tokenizer that the index was built with: the SHA-256 of its definition is "
                f"{actual}, expected {digest}; copy the index again or rebuild it"
            )
        self._is_checked = True

    def load(self) -> Tokenizer:
        """Load the tokenizer; faster after `check`, which verifies that the definition is unchanged.

        Raises:
            IndexDamagedError: the file is not valid UTF-8.
            TokenizerError: this version does not support the kind, or cannot read the definition.
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
        """The fingerprint of the tokenizer, computed without loading it.

        Raises:
            IndexDamagedError: the file is not a valid definition.
            TokenizerError: this version does not support the kind.
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
                f"the index has a tokenizer of kind {self.kind!r}; this version supports 'bytes' and 'huggingface'"
            )
        try:
            return str(self._file, "utf-8")
        except UnicodeDecodeError as error:
            raise self._damaged(error) from error

    def _damaged(self, error: Exception) -> IndexDamagedError:
        return IndexDamagedError(f"{self.folder / FILE_NAME}: the saved tokenizer cannot be read: {error}")


def load_saved(kind: str, folder: Path) -> Tokenizer:
    """Load the tokenizer that `Tokenizer.save` wrote into `folder`.

    Args:
        kind: the `kind` of the saved tokenizer.
        folder: the folder of the tokenizer.

    Raises:
        IndexDamagedError: the file is missing or not valid UTF-8.
        TokenizerError: this version does not support the kind, or cannot read the definition.
    """
    return SavedTokenizer(kind, folder).load()


def _mapped(path: Path) -> mmap.mmap | bytes:
    """Return the current content of a file, which remains available if the file is deleted."""
    try:
        with open_regular(path) as file:
            size_bytes = file.seek(0, 2)
            if size_bytes > MOST_BYTES:
                raise IndexDamagedError(f"{path} has {size_bytes:,} bytes; expected at most {MOST_BYTES:,}")
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if size_bytes else b""
    except IndexDamagedError:
        raise
    except OSError as error:
        raise IndexDamagedError(f"{path}: the saved tokenizer cannot be read: {error}") from error
