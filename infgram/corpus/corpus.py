"""The corpus: a folder or a file that can be read from the beginning any number of times."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from infgram.corpus.documents import Skipped, SourceDocument
from infgram.corpus.listing import list_files
from infgram.corpus.reading import HOW_TO_GO_ON, OnError, Reading
from infgram.corpus.sampling import spread_sample
from infgram.errors import InputError


class Corpus:
    """Documents streamed from a folder or a file, always in the same order.

    `.jsonl` and `.ndjson`, plain, `.gz` or `.zst`, hold a document a line; every other file is one document
    and must be UTF-8 text. A folder is read with all its sub-folders, sorted by relative path; names that
    begin with `.` and links to folders are left out. The files are listed once, when this object is made.

    Not for use by several threads at once.

    Attributes:
        path: the input.
        n_bytes: bytes on disk of all input files.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     _ = Path(folder, "a.txt").write_text("to be or not to be")
        ...     [document.text for document in Corpus(folder).documents()]
        ['to be or not to be']
    """

    def __init__(self, path: str | os.PathLike[str], *, text_field: str = "text", on_error: OnError = "fail") -> None:
        """List the input files; nothing is read yet.

        Args:
            path: a folder or a file.
            text_field: the field of JSON lines that holds the text.
            on_error: `"fail"` raises at the first piece of input that cannot be read, `"skip"` records it.

        Raises:
            InputError: the path does not exist or holds no file; under `"fail"`, a sub-folder cannot be listed.
        """
        if on_error not in ("fail", "skip"):
            raise InputError(f"on_error is {on_error!r}; expected 'fail' or 'skip'")
        if not os.fspath(path):
            raise InputError("the path of the corpus is empty; expected a folder or a file ('.' is this folder)")
        self.path = Path(path)
        self._text_field = text_field
        self._on_error: OnError = on_error
        self._files, self._unlisted = list_files(self.path)
        if self._unlisted and on_error == "fail":
            first = self._unlisted[0]
            raise InputError(f"{self.path / first.source}: {first.reason}; {HOW_TO_GO_ON}")
        self.n_bytes = sum(file.size_bytes for file in self._files)
        self._reading = self._start()

    @property
    def n_files(self) -> int:
        """How many files the input has."""
        return len(self._files)

    @property
    def bytes_read(self) -> int:
        """Bytes on disk that the latest `documents()` has read; `n_bytes` when it is through."""
        return self._reading.bytes_read

    @property
    def skipped(self) -> list[Skipped]:
        """What the latest `documents()` could not read, so far; always empty under `"fail"`."""
        return self._reading.skipped

    def documents(self) -> Iterator[SourceDocument]:
        """All documents, from the beginning; `bytes_read` and `skipped` start anew.

        Only one line, or one file of text, is in memory at a time.

        Raises:
            InputError: under `"fail"`, when a piece of input cannot be read: names the file, the line and the
                reason. Under both, at the end: there was no document, or no line with the text field.
        """
        self._reading = self._start()
        return self._reading.documents()

    def sample_texts(self, max_bytes: int) -> Iterator[str]:
        """Texts, or pieces of long ones, spread over the whole corpus; all of it if that is small enough.

        The same corpus gives the same sample. Reads the corpus once; leaves `bytes_read` and `skipped` alone.

        Args:
            max_bytes: of UTF-8, for the whole sample, which is held in memory.

        Raises:
            InputError: as `documents`.
        """
        return iter(spread_sample((document.text for document in self._start().documents()), max_bytes))

    def _start(self) -> Reading:
        return Reading(str(self.path), self._files, self._unlisted, self._text_field, self._on_error)
