"""The corpus: folders and files that can be read from the beginning any number of times."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence

from infgram.arguments import choice, text
from infgram.corpus.documents import Skipped, SourceDocument
from infgram.corpus.fingerprint import fingerprint
from infgram.corpus.options import LONGEST_DOCUMENT_BYTES, FormatName, ReadOptions
from infgram.corpus.peek import SeenDocument, peek
from infgram.corpus.readers.formats import NAMES, format_of_name
from infgram.corpus.readers.text_field import TextField
from infgram.corpus.reading import HOW_TO_GO_ON, InputFile, OnError, Reading
from infgram.corpus.sampling import spread_sample
from infgram.corpus.sources.found import FoundSoFar, some
from infgram.corpus.sources.inputs import Inputs, list_inputs, names_of
from infgram.corpus.sources.selection import Selection, patterns_of
from infgram.errors import InputError

_logger = logging.getLogger("infgram.corpus")


class Corpus:
    """Documents streamed from folders, files, patterns, URLs or standard input, always in the same order.

    How a file is read is told by its first bytes and, where they leave it open, by its name: JSON lines hold a
    document a line, arrays of JSON objects a document an element, CSV, TSV, Parquet and Arrow a document a row;
    every other file is one document and must be UTF-8 text. All but Parquet and Arrow may be compressed by gzip,
    zstd, bzip2 or xz. A folder is read with all its sub-folders, sorted by relative path; names that begin with `.`,
    links to folders, marks of jobs (`_SUCCESS`) and descriptions beside data (`README.md`) are left out. Several
    inputs are read in the order given. The files are listed once, when this object is made.

    Not for use by several threads at once.

    Attributes:
        inputs: the inputs, as strings.
        files: the files found, in the order of reading.
        left_out: the files that were found and are not read, and why.
        n_bytes: bytes of all input files, as stored.

    Examples:
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
        format: FormatName = "auto",
        include: str | Iterable[str] = (),
        exclude: str | Iterable[str] = (),
        longest_document_bytes: int = LONGEST_DOCUMENT_BYTES,
    ) -> None:
        """List the input files; nothing is read yet but standard input, which is kept in a temporary file.

        Args:
            path: one or several of: a folder, a file, a pattern (`"data/**/*.jsonl.zst"`), a URL that fsspec
                knows (`"s3://bucket/folder"`), `"-"` for JSON lines on standard input.
            text_field: the field of JSON lines, or the column, that holds the text.
            on_error: `"fail"` raises at the first piece of input that cannot be read, `"skip"` records it.
            format: of every file: `"text"`, `"jsonl"`, `"json"`, `"csv"`, `"tsv"`, `"parquet"` or `"arrow"`; `"auto"`
                recognizes it.
            include: patterns of file names, or of paths below the input if they hold a `/`; exactly the files that
                fit one are read.
            exclude: patterns of files that are not read.
            longest_document_bytes: a line, a record or a file of text that is longer, decompressed, cannot be
                read, nor can the rest of its file.

        Raises:
            InputError: an input does not exist or holds no file, or one file is named twice; under `"fail"`, a
                sub-folder cannot be listed.
            MissingExtraError: a file or URL needs a package that is not installed.
            StorageError: standard input does not fit on the disk.
        """
        choice(on_error, "on_error", ("fail", "skip"))
        choice(format, "format", NAMES)
        self.inputs = names_of(path)
        self._text_field = text(text_field, "text_field")
        self._on_error: OnError = on_error
        self._format: FormatName = format
        self._longest_document_bytes = longest_document_bytes
        selection = Selection(patterns_of(include, "include"), patterns_of(exclude, "exclude"), text_field=text_field)
        listed = list_inputs(self.inputs, selection)
        self._unlisted, self.left_out = listed.unlisted, listed.left_out
        if self._unlisted and on_error == "fail":
            first = self._unlisted[0]
            raise InputError(f"{self._in_words}: {first.source}: {first.reason}; {HOW_TO_GO_ON}")
        self.files = [InputFile(file.place, file.name, file.size_bytes) for file in listed.files]
        self._check_extras()
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
        how: list[str | int] = [
            self._text_field,
            self._on_error,
            self._format,
            self._longest_document_bytes,
            *unlisted,
        ]
        return fingerprint(((file.source, file.place) for file in self.files), how)

    def peek(self, n_bytes: int) -> Iterator[SeenDocument]:
        """Documents from all over the corpus, with the bytes, as stored, that they take; all if that is not more.

        Args:
            n_bytes: about so many bytes, as stored, are read.
        """
        return peek(self.files, self.read_options, n_bytes)

    def documents(self) -> Iterator[SourceDocument]:
        """All documents, from the beginning; `bytes_read` and `skipped` start anew. At the end, `summary()` is logged.

        Only one line, a few rows, or one file of text, is in memory at a time.

        Raises:
            InputError: under `"fail"`, when a piece of input cannot be read: names the file, the line and the
                reason. Under both, at the end: there was no document, or no line with the text field.
        """
        self._reading = self._start()
        return self._documents(self._reading)

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
    def read_options(self) -> ReadOptions:
        """How files are read, with counts that begin anew."""
        return ReadOptions(TextField(self._text_field), self._longest_document_bytes, self._format)

    def summary(self, found: FoundSoFar | None = None) -> str:
        """What the latest `documents()`, or passes over parts, took the files for, and what was left out, in a line.

        Args:
            found: the sum over the passes; None for the latest `documents()`.
        """
        words = (self._reading.found if found is None else found).in_words
        if not self.left_out:
            return words
        return (
            f"{words}; left out {len(self.left_out):,}: {some([e.source for e in self.left_out], len(self.left_out))}"
        )

    @property
    def _in_words(self) -> str:
        """For messages."""
        more = f" and {len(self.inputs) - 1} more inputs" if len(self.inputs) > 1 else ""
        return f"{self.inputs[0]}{more}"

    def _documents(self, reading: Reading) -> Iterator[SourceDocument]:
        yield from reading.documents()
        _logger.info("%s", self.summary(reading.found))

    def _start(self) -> Reading:
        return Reading(self._in_words, self.files, self._unlisted, self.read_options, self._on_error)

    def _check_extras(self) -> None:
        """Whether the packages are there that the files need by their names, before anything is read."""
        for file in self.files if self._format == "auto" else ():
            format_ = format_of_name(file.source)
            if format_ is not None and format_.extra is not None:
                format_.extra.load()
