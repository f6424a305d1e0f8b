"""The text corpus: input files that can be read from the beginning any number of times."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from infgram.arguments import choice, flag, text
from infgram.corpus.documents import LONGEST_DOCUMENT_BYTES, FormatName, ReadOptions, Skipped, SourceDocument
from infgram.corpus.fingerprint import fingerprint
from infgram.corpus.peek import SeenDocument, peek
from infgram.corpus.readers.formats import NAMES, format_of_name
from infgram.corpus.readers.text_field import TextField
from infgram.corpus.reading import HOW_TO_CONTINUE, InputTotals, OnError, Reading
from infgram.corpus.sampling import spread_sample
from infgram.corpus.sources.inputs import Inputs, list_inputs, names_of
from infgram.corpus.sources.selection import Selection, first_names, patterns_of
from infgram.errors import InputError

_LINK: Final = "a link that leads out of the input folder; follow it with follow_links=True (--follow-links)"

_logger = logging.getLogger("infgram.corpus")


class Corpus:
    """Documents streamed from folders, files, patterns, URLs or standard input, always in the same order.

    The first bytes of a file determine its format; if they are ambiguous, its name does. JSON lines hold one document
    per line, arrays of JSON objects one per element, and CSV, TSV, Parquet and Arrow files one per row. Every other
    file is one document and must be UTF-8 text. All formats except Parquet and Arrow may be compressed with gzip,
    zstd, bzip2 or xz.

    A folder is read with all its subfolders, sorted by relative path. Names that begin with `.`, indexes, working
    folders of builds, markers of jobs (`_SUCCESS`) and descriptions of data (`README.md`) are excluded. Several inputs
    are read in the given order. The files are listed once, when this object is created.

    Not thread-safe.

    Attributes:
        inputs: the inputs, as strings.
        files: the input files, in reading order.
        left_out: the excluded files, each with the reason.
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
        follow_links: bool = False,
        longest_document_bytes: int = LONGEST_DOCUMENT_BYTES,
    ) -> None:
        """List the input files without reading them; only standard input is read, into a temporary file.

        Args:
            path: one or several of: a folder, a file, a pattern (`"data/**/*.jsonl.zst"`), a URL that fsspec
                supports (`"s3://bucket/folder"`), `"-"` for JSON lines on standard input.
            text_field: the field of JSON lines, or the column, with the text.
            on_error: `"fail"` raises at the first input that cannot be read, `"skip"` records it and continues.
            format: the format of every file: `"text"`, `"jsonl"`, `"json"`, `"csv"`, `"tsv"`, `"parquet"` or
                `"arrow"`; `"auto"` recognizes it by content and name.
            include: patterns of file names, or of paths below the input if they contain `/`; only matching files
                are read.
            exclude: patterns of files that are not read.
            follow_links: whether to follow links inside a folder that lead out of it. Otherwise such a link is an
                error; with `on_error="skip"` it is recorded.
            longest_document_bytes: the maximum size of a line, a record or a text file, decompressed. Beyond it the
                rest of the file cannot be read.

        Raises:
            InputError: an input does not exist or holds no file, or a file is named twice; with `"fail"`, a
                subfolder cannot be listed.
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
        selection = Selection(
            patterns_of(include, "include"),
            patterns_of(exclude, "exclude"),
            text_field=text_field,
            follow_links=flag(follow_links, "follow_links"),
        )
        listed = list_inputs(self.inputs, selection)
        if on_error == "fail" and listed.links:
            listed.check_complete()
        self.left_out = listed.left_out
        self._unlisted = [*listed.unlisted, *(Skipped(link, None, _LINK) for link in listed.links)]
        if self._unlisted and on_error == "fail":
            first = self._unlisted[0]
            raise InputError(f"{self._in_words}: {first.source}: {first.reason}; {HOW_TO_CONTINUE}")
        self.files = listed.files
        self._check_extras()
        self.n_bytes = sum(file.size_bytes for file in self.files)
        self._reading = self._start()

    @property
    def n_files(self) -> int:
        """The number of input files."""
        return len(self.files)

    @property
    def bytes_read(self) -> int:
        """Bytes, as stored, that the latest `documents()` has read; `n_bytes` at the end."""
        return self._reading.bytes_read

    @property
    def skipped(self) -> list[Skipped]:
        """The input that the latest `documents()` could not read so far; always empty with `"fail"`."""
        return self._reading.skipped

    @property
    def not_listed(self) -> list[Skipped]:
        """The folders that could not be listed; always empty with `"fail"`."""
        return list(self._unlisted)

    def check_totals(self, totals: InputTotals, skipped: Sequence[Skipped]) -> None:
        """Check the totals of passes that covered all files, as `documents` does at its end.

        Raises:
            InputError: there was no document, or no record with the text field.
        """
        totals.check(self._in_words, self._text_field, skipped)

    def fingerprint(self) -> str:
        """Return a digest of file names, sizes, modification times and read options, without reading the files.

        Raises:
            InputError: a file no longer exists.
        """
        unlisted = (skipped.source for skipped in self._unlisted)
        how: list[str | int] = [
            self._text_field,
            self._on_error,
            self._format,
            self._longest_document_bytes,
            *unlisted,
        ]
        return fingerprint(((file.source, file.location) for file in self.files), how)

    def peek(self, n_bytes: int) -> Iterator[SeenDocument]:
        """Sample documents from the whole corpus, each with its share of the bytes as stored.

        Args:
            n_bytes: the approximate number of bytes to read, as stored; a smaller corpus is read completely.
        """
        return peek(self.files, self.read_options, n_bytes)

    def documents(self) -> Iterator[SourceDocument]:
        """Yield all documents, from the beginning; reset `bytes_read` and `skipped`, and log `summary()` at the end.

        Only one line, a few rows or one text file is in memory at a time.

        Raises:
            InputError: with `"fail"`, input cannot be read: names the file, the line and the reason. With both
                settings, at the end: there was no document, or no record with the text field.
        """
        self._reading = self._start()
        return self._documents(self._reading)

    def sample_texts(self, max_bytes: int) -> Iterator[str]:
        """Sample texts, or pieces of long texts, uniformly from the whole corpus.

        The sample is deterministic and kept in memory. The corpus is read once; `bytes_read` and `skipped` do not
        change.

        Args:
            max_bytes: the maximum size of the sample in UTF-8; a smaller corpus is returned completely.

        Raises:
            InputError: as `documents`.
        """
        return iter(spread_sample((document.text for document in self._start().documents()), max_bytes))

    @property
    def read_options(self) -> ReadOptions:
        """New read options, with counters at zero."""
        return ReadOptions(TextField(self._text_field), self._longest_document_bytes, self._format)

    def summary(self, totals: InputTotals | None = None) -> str:
        """Describe in one line how many files were read in which format, and which were excluded.

        Args:
            totals: the sum over several passes; None for the latest `documents()`.
        """
        words = (self._reading.totals if totals is None else totals).in_words
        if not self.left_out:
            return words
        names = first_names([entry.source for entry in self.left_out], len(self.left_out))
        return f"{words}; left out {len(self.left_out):,}: {names}"

    @property
    def _in_words(self) -> str:
        """The inputs, for messages."""
        more = f" and {len(self.inputs) - 1} more inputs" if len(self.inputs) > 1 else ""
        return f"{self.inputs[0]}{more}"

    def _documents(self, reading: Reading) -> Iterator[SourceDocument]:
        yield from reading.documents()
        _logger.info("%s", self.summary(reading.totals))

    def _start(self) -> Reading:
        return Reading(self._in_words, self.files, self._unlisted, self.read_options, self._on_error)

    def _check_extras(self) -> None:
        """Import the optional packages that the files need by their names, before anything is read."""
        for file in self.files if self._format == "auto" else ():
            format_ = format_of_name(file.source)
            if format_ is not None and format_.extra is not None:
                format_.extra.load()
