"""One pass over the input: yield documents, raise or record errors, count bytes and totals."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, TypeAlias

from infgram.corpus import documents
from infgram.corpus.documents import ReadOptions, Skipped, SourceDocument, UnreadableError
from infgram.corpus.readers.formats import JSON_LINES, TEXT, Format, format_of_name
from infgram.corpus.sources.decompression import Compression, decompressed, stem_of
from infgram.corpus.sources.files import STANDARD_INPUT, CountingFile, CountingStream, InputFile
from infgram.corpus.sources.recognition import recognize
from infgram.corpus.sources.selection import MOST_NAMES, first_names
from infgram.errors import InputError

OnError: TypeAlias = Literal["fail", "skip"]

HOW_TO_CONTINUE: Final = "correct or remove it, or skip unreadable input with on_error='skip' (--on-error skip)"

_READ_AS_LINES: Final = "its first lines are JSON objects; read it as text with format='text' (--format text)"


def format_of_content(content: io.BufferedReader[Any], source: str, options: ReadOptions) -> Format:
    """Return the format of an open file at its beginning, without advancing.

    Raises:
        UnreadableError: the file is neither text nor a table.
    """
    return recognize(content.peek(1), source if source == STANDARD_INPUT else stem_of(source), options)


class Reading:
    """The state of one pass.

    Attributes:
        skipped: the input that could not be read so far.
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
        self._n_characters = 0
        self._n_files: Counter[str] = Counter()
        self._texts: list[str] = []
        self._finished_bytes = 0
        self._file: InputFile | None = None
        self._raw: CountingFile | CountingStream | None = None

    @property
    def bytes_read(self) -> int:
        """Bytes read, as stored; a file counts completely once the pass has left it."""
        if self._raw is None or self._file is None:
            return self._finished_bytes
        return self._finished_bytes + min(self._raw.n_bytes_read, self._file.size_bytes)

    def documents(self) -> Iterator[SourceDocument]:
        """Yield all documents, file by file.

        Raises:
            InputError: with `"fail"`, at the first input that cannot be read; with both settings, at the end,
                if there was no document or no record with the text field.
            MissingExtraError: a file needs a package that is not installed.
        """
        yield from self.documents_of_a_part()
        self.totals.check(self._inputs, self._options.text_field.name, self.skipped)

    def documents_of_a_part(self) -> Iterator[SourceDocument]:
        """Yield the documents as `documents`, but do not check the totals, which need all files of the corpus."""
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
    def totals(self) -> InputTotals:
        """The totals of the pass so far."""
        field = self._options.text_field
        return InputTotals(
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
            with file.location.open() as raw, decompressed(raw, file.source) as (content, compression):
                self._file, self._raw = file, raw
                format_ = format_of_content(content, file.source, self._options)
                if format_.extra is not None:
                    format_.extra.load()
                if format_.seeks and compression is not None:
                    raise UnreadableError(f"a {format_.label} file inside {compression} data; decompress it first")
                n_whole_files = self._options.text_field.n_whole_files
                read_as = format_, compression
                is_named = self._options.format != "auto" or format_of_name(file.source) is not None
                for item in format_.read(content, file.source, self._options):
                    if format_ is JSON_LINES and not is_named and line is None and isinstance(item, Skipped):
                        item = replace(item, reason=f"{item.reason}; {_READ_AS_LINES}")
                    self._count_characters(item)
                    line = item.line
                    yield item
                is_text = format_ is TEXT or self._options.text_field.n_whole_files > n_whole_files
                self._count(TEXT if is_text else format_, compression, file.source)
        except (OSError, UnreadableError) as error:
            reason = (isinstance(error, OSError) and error.strerror) or str(error)
            what = "cannot be read" if line is None else f"cannot be read after line {line}"
            if read_as is not None and self._n_documents > n_before:
                self._count(*read_as, file.source)
            yield Skipped(
                file.source, None, f"{what}: {reason}{self._partial_note(self._n_documents - n_before, line)}"
            )

    def _count_characters(self, item: SourceDocument | Skipped) -> None:
        """Check that few stored bytes do not stand for endless text, such as one entry of a dictionary in every row.

        Raises:
            UnreadableError: the text is too large for the bytes that were read.
        """
        if isinstance(item, Skipped):
            return
        strings = (len(value) for value in item.metadata.values() if isinstance(value, str))
        n_characters = self._n_characters + len(item.text) + sum(strings)
        if n_characters > documents.MAX_EXCESS_TEXT + documents.MAX_RATIO * self.bytes_read:
            raise UnreadableError(
                f"the {self.bytes_read:,} bytes that were read stand for {n_characters:,} characters, more than "
                f"{documents.MAX_RATIO:,} times as many; remove the repeated rows"
            )
        self._n_characters = n_characters

    def _partial_note(self, n_documents: int, line: int | None) -> str:
        """Return the end of the message about a file of which only a part is read."""
        if self._on_error == "fail" or line is None:
            return ""
        documents = f"{n_documents:,} {'document' if n_documents == 1 else 'documents'}"
        return f"; {documents} before it kept, the rest of the file skipped"

    def _count(self, format_: Format, compression: Compression | None, source: str) -> None:
        self._n_files[f"{format_.label} ({compression})" if compression else format_.label] += 1
        if format_ is TEXT and len(self._texts) < MOST_NAMES:
            self._texts.append(source)

    def _refuse(self, file: InputFile, skipped: Skipped) -> None:
        if self._on_error == "fail":
            line = "" if skipped.line is None else f", line {skipped.line}"
            raise InputError(f"{file.location}{line}: {skipped.reason}; {HOW_TO_CONTINUE}")
        self.skipped.append(skipped)


@dataclass(frozen=True)
class InputTotals:
    """The totals of a pass over some files; the totals of several passes can be added.

    Attributes:
        n_documents: documents.
        n_records: JSON objects and tables.
        n_with_field: the JSON objects and tables that have the text field.
        other_fields: the fields of the first record without the text field, for messages.
        n_whole_files: JSON files that are a single value without the text field and were read as text.
        fields_of_a_file: the fields of the first such file, for messages.
        n_files: the number of files by format: `{"JSON lines (gzip)": 12}`.
        texts: the first files that were read as text.
    """

    n_documents: int = 0
    n_records: int = 0
    n_with_field: int = 0
    other_fields: str = ""
    n_whole_files: int = 0
    fields_of_a_file: str = ""
    n_files: dict[str, int] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)

    def __add__(self, other: InputTotals) -> InputTotals:
        return InputTotals(
            self.n_documents + other.n_documents,
            self.n_records + other.n_records,
            self.n_with_field + other.n_with_field,
            self.other_fields or other.other_fields,
            self.n_whole_files + other.n_whole_files,
            self.fields_of_a_file or other.fields_of_a_file,
            {
                kind: self.n_files.get(kind, 0) + other.n_files.get(kind, 0)
                for kind in sorted(self.n_files.keys() | other.n_files.keys())
            },
            [*self.texts, *other.texts][:MOST_NAMES],
        )

    @property
    def in_words(self) -> str:
        """The formats in words: `read 12 files as JSON lines (gzip), 1 as text; text: notes.txt`."""
        if not self.n_files:
            return "read no file"
        kinds = sorted(self.n_files.items(), key=lambda item: (-item[1], item[0]))
        parts = [f"{n:,} as {kind}" for kind, n in kinds]
        n, _, rest = parts[0].partition(" ")
        parts[0] = f"{n} {'file' if n == '1' else 'files'} {rest}"
        n_texts = sum(n for kind, n in kinds if kind.startswith("text"))
        is_mixed = any(not kind.startswith("text") for kind, _ in kinds)
        if n_texts and (is_mixed or self.n_whole_files):
            parts[-1] += f"; text: {first_names(self.texts, n_texts)}"
        return f"read {', '.join(parts)}"

    def check(self, inputs: str, text_field: str, skipped: Sequence[Skipped]) -> None:
        """Check the totals of the whole input.

        Args:
            inputs: the inputs, for messages.
            text_field: the field with the text.
            skipped: the input that could not be read.

        Raises:
            InputError: there was no document, or no record with the text field.
        """
        if self.n_records > 0 and self.n_with_field == 0:
            raise InputError(
                f"{inputs}: none of the {self.n_records} lines or tables has the field {text_field!r}; found "
                f"{self.other_fields}; name the field with text_field=… (--text-field)"
            )
        if 0 < self.n_documents == self.n_whole_files:
            raise InputError(
                f"{inputs}: a JSON file with a single value and without the field {text_field!r}; found "
                f"{self.fields_of_a_file}; name the field with text_field=… (--text-field), or read the file as one "
                "text document with format='text' (--format text)"
            )
        if self.n_documents == 0:
            raise InputError(f"{inputs}: no document found{_why_none(skipped)}")


def _why_none(skipped: Sequence[Skipped]) -> str:
    if not skipped:
        return "; every input file is empty"
    first = skipped[0]
    where = first.source if first.line is None else f"{first.source}, line {first.line}"
    return f"; {len(skipped)} files or records cannot be read, the first: {where}: {first.reason}"
