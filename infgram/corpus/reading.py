"""One pass over the input: documents out, refusals raised or recorded, bytes counted."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

from infgram.corpus.documents import Skipped, SourceDocument, UnreadableError
from infgram.corpus.options import ReadOptions
from infgram.corpus.readers.formats import JSON_LINES, TEXT, Format, format_of_name
from infgram.corpus.sources.decompression import Compression, decompressed, stem_of
from infgram.corpus.sources.files import CountingFile, CountingStream, Place
from infgram.corpus.sources.found import MOST_NAMES, FoundSoFar
from infgram.corpus.sources.recognition import recognize
from infgram.corpus.sources.standard_input import STANDARD_INPUT
from infgram.errors import InputError

OnError: TypeAlias = Literal["fail", "skip"]

HOW_TO_GO_ON = "correct or remove it, or leave out what cannot be read with on_error='skip' (--on-error skip)"

_TAKEN_FOR_LINES = "its first lines are JSON objects; read it as text with format='text' (--format text)"


@dataclass(frozen=True)
class InputFile:
    """One file of the corpus. How it is read is decided when it is opened.

    Attributes:
        place: opens it.
        source: its name in the corpus.
        size_bytes: as stored.
    """

    place: Place
    source: str
    size_bytes: int


def format_of_content(content: io.BufferedReader[Any], source: str, options: ReadOptions) -> Format:
    """Return the format of a file that was opened, of which nothing was read yet.

    Raises:
        UnreadableError: it is neither text nor a table.
    """
    return recognize(content.peek(1), source if source == STANDARD_INPUT else stem_of(source), options)


class Reading:
    """The state of one pass.

    Attributes:
        skipped: what could not be read so far.
    """

    def __init__(
        self,
        inputs: str,
        files: Sequence[InputFile],
        unlisted: Sequence[Skipped],
        options: ReadOptions,
        on_error: OnError,
    ) -> None:
        self.skipped: list[Skipped] = list(unlisted)
        self._inputs = inputs
        self._files = files
        self._options = options
        self._on_error = on_error
        self._n_documents = 0
        self._n_files: Counter[str] = Counter()
        self._texts: list[str] = []
        self._finished_bytes = 0
        self._file: InputFile | None = None
        self._raw: CountingFile | CountingStream | None = None

    @property
    def bytes_read(self) -> int:
        """Bytes as stored; a file counts as read whole once it is left."""
        if self._raw is None or self._file is None:
            return self._finished_bytes
        return self._finished_bytes + min(self._raw.n_bytes_read, self._file.size_bytes)

    def documents(self) -> Iterator[SourceDocument]:
        """All documents, file by file.

        Raises:
            InputError: under `fail`, at the first piece of input that cannot be read; always, at the end,
                if there was no document or no line or table with the text field.
            MissingExtraError: a file needs a package that is not installed.
        """
        yield from self.documents_of_a_part()
        self.found.check(self._inputs, self._options.text_field.name, self.skipped)

    def documents_of_a_part(self) -> Iterator[SourceDocument]:
        """As `documents`, of some files of a corpus: it takes all of them to say that there was no document."""
        for file in self._files:
            for item in self._items(file):
                if isinstance(item, SourceDocument):
                    self._n_documents += 1
                    yield item
                else:
                    self._refuse(file, item)
            self._raw = None
            self._finished_bytes += file.size_bytes

    @property
    def found(self) -> FoundSoFar:
        """What there was of documents, of the text field, and of formats."""
        field = self._options.text_field
        return FoundSoFar(
            self._n_documents,
            field.n_records,
            field.n_found,
            field.other_fields,
            field.n_whole_files,
            field.fields_of_a_file,
            dict(self._n_files),
            list(self._texts),
        )

    def _items(self, file: InputFile) -> Iterator[SourceDocument | Skipped]:
        line: int | None = None
        read_as: tuple[Format, Compression | None] | None = None
        n_before = self._n_documents
        try:
            with file.place.open() as raw, decompressed(raw, file.source) as (content, compression):
                self._file, self._raw = file, raw
                format_ = format_of_content(content, file.source, self._options)
                if format_.extra is not None:
                    format_.extra.load()
                if format_.seeks and compression is not None:
                    raise UnreadableError(f"a {format_.label} file inside of {compression} data; decompress it first")
                n_whole_files = self._options.text_field.n_whole_files
                read_as = format_, compression
                is_named = self._options.format != "auto" or format_of_name(file.source) is not None
                for item in format_.read(content, file.source, self._options):
                    if format_ is JSON_LINES and not is_named and line is None and isinstance(item, Skipped):
                        item = replace(item, reason=f"{item.reason}; {_TAKEN_FOR_LINES}")
                    line = item.line
                    yield item
                is_text = format_ is TEXT or self._options.text_field.n_whole_files > n_whole_files
                self._count(TEXT if is_text else format_, compression, file.source)
        except (OSError, UnreadableError) as error:
            reason = (isinstance(error, OSError) and error.strerror) or str(error)
            what = "cannot be read" if line is None else f"cannot be read any further than line {line}"
            if read_as is not None and self._n_documents > n_before:
                self._count(*read_as, file.source)
            yield Skipped(file.source, None, f"{what}: {reason}{self._kept(self._n_documents - n_before, line)}")

    def _kept(self, n_documents: int, line: int | None) -> str:
        """What is said of a file that is left in the middle."""
        if self._on_error == "fail" or line is None:
            return ""
        return f"; {n_documents:,} {'document' if n_documents == 1 else 'documents'} before it kept, the rest is lost"

    def _count(self, format_: Format, compression: Compression | None, source: str) -> None:
        self._n_files[f"{format_.label} ({compression})" if compression else format_.label] += 1
        if format_ is TEXT and len(self._texts) < MOST_NAMES:
            self._texts.append(source)

    def _refuse(self, file: InputFile, skipped: Skipped) -> None:
        if self._on_error == "fail":
            line = "" if skipped.line is None else f", line {skipped.line}"
            raise InputError(f"{file.place}{line}: {skipped.reason}; {HOW_TO_GO_ON}")
        self.skipped.append(skipped)
