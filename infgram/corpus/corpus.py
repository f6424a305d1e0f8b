"""The corpus: folders and files that can be read from the beginning any number of times."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from infgram.arguments import choice, text
from infgram.corpus.documents import Skipped, SourceDocument
from infgram.corpus.fingerprint import fingerprint
from infgram.corpus.found import FoundSoFar
from infgram.corpus.inputs import Inputs, list_inputs, names_of
from infgram.corpus.options import LONGEST_DOCUMENT_BYTES, ReadOptions
from infgram.corpus.peek import peek
from infgram.corpus.reading import HOW_TO_GO_ON, InputFile, OnError, Reading
from infgram.corpus.sampling import spread_sample
from infgram.corpus.text_field import TextField
from infgram.errors import InputError


class Corpus:
    """Documents streamed from folders, files, patterns, URLs or standard input, always in the same order.

    `.jsonl` and `.ndjson` hold a document a line, `.csv`, `.tsv`, `.parquet` and `.arrow` a document a row; the
    first four also with `.gz` or `.zst`. Every other file is one document and must be UTF-8 text. A folder is read
    with all its sub-folders, sorted by relative path; names that begin with `.` and links to folders are left
    out. Several inputs are read in the order given. The files are listed once, when this object is made.

    Not for use by several threads at once.

    Attributes:
        inputs: the inputs, as strings.
        files: the files found, in the order of reading.
        n_bytes: bytes of all input files, as stored.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     _ = Path(folder, "a.txt").write_text("to be or not to be")
        ...     [document.text for document in Corpus(folder).documents()]
        ['to be or not to be']
    """

    def __init__(
        self,
        path: Inputs,
        *,
        text_field: str = "text",
        on_error: OnError = "fail",
        longest_document_bytes: int = LONGEST_DOCUMENT_BYTES,
    ) -> None:
        """List the input files; nothing is read yet but standard input, which is kept in a temporary file.

        Args:
            path: one or several of: a folder, a file, a pattern (`"data/**/*.jsonl.zst"`), a URL that fsspec
                knows (`"s3://bucket/folder"`), `"-"` for JSON lines on standard input.
            text_field: the field of JSON lines, or the column, that holds the text.
            on_error: `"fail"` raises at the first piece of input that cannot be read, `"skip"` records it.
            longest_document_bytes: a line, a record or a file of text that is longer, decompressed, cannot be
                read, nor can the rest of its file.

        Raises:
            InputError: an input does not exist or holds no file, or one file is named twice; under `"fail"`, a
                sub-folder cannot be listed.
            MissingExtraError: a file or URL needs a package that is not installed.
            StorageError: standard input does not fit on the disk.
        """
        choice(on_error, "on_error", ("fail", "skip"))
        self.inputs = names_of(path)
        self._text_field = text(text_field, "text_field")
        self._on_error: OnError = on_error
        self._longest_document_bytes = longest_document_bytes
        found, self._unlisted = list_inputs(self.inputs)
        if self._unlisted and on_error == "fail":
            first = self._unlisted[0]
            raise InputError(f"{self._in_words}: {first.source}: {first.reason}; {HOW_TO_GO_ON}")
        self.files = [InputFile.of(file) for file in found]
        self.n_bytes = sum(file.size_bytes for file in self.files)
        self._reading = self._start()

    @property
    def n_files(self) -> int:
        """How many files the input has."""
        return len(self.files)

    @property
    def bytes_read(self) -> int:
        """Bytes, as stored, that the latest `documents()` has read; `n_bytes` when it is through."""
        return self._reading.bytes_read

    @property
    def skipped(self) -> list[Skipped]:
        """What the latest `documents()` could not read, so far; always empty under `"fail"`."""
        return self._reading.skipped

    @property
    def not_listed(self) -> list[Skipped]:
        """The folders that could not be listed; always empty under `"fail"`."""
        return list(self._unlisted)

    def check_found(self, found: FoundSoFar, skipped: Sequence[Skipped]) -> None:
        """Whether what passes over all files have found together is a corpus, as `documents` does at the end.

        Raises:
            InputError: there was no document, or no line with the text field.
        """
        found.check(self._in_words, self._text_field, skipped)

    def fingerprint(self) -> str:
        """Changes when a file, its size, its time of change or the way of reading does; the files are not read.

        Raises:
            InputError: a file is gone.
        """
        unlisted = (skipped.source for skipped in self._unlisted)
        how: list[str | int] = [self._text_field, self._on_error, self._longest_document_bytes, *unlisted]
        return fingerprint(((file.source, file.place) for file in self.files), how)

    def peek(self, n_bytes: int) -> tuple[list[SourceDocument], int]:
        """Some documents from files all over the corpus, and how many bytes, as stored, they took.

        Args:
            n_bytes: about so many bytes, as stored, are read; the documents are held in memory.
        """
        return peek(self.files, ReadOptions(TextField(self._text_field), self._longest_document_bytes), n_bytes)

    def documents(self) -> Iterator[SourceDocument]:
        """All documents, from the beginning; `bytes_read` and `skipped` start anew.

        Only one line, a few rows, or one file of text, is in memory at a time.

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

    @property
    def _in_words(self) -> str:
        """For messages."""
        more = f" and {len(self.inputs) - 1} more inputs" if len(self.inputs) > 1 else ""
        return f"{self.inputs[0]}{more}"

    def _start(self) -> Reading:
        options = ReadOptions(TextField(self._text_field), self._longest_document_bytes)
        return Reading(self._in_words, self.files, self._unlisted, options, self._on_error)
