"""One pass over the input: documents out, refusals raised or recorded, bytes counted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from infgram.corpus.documents import Skipped, SourceDocument, UnreadableError
from infgram.corpus.formats import Format, format_of
from infgram.corpus.found import FoundSoFar
from infgram.corpus.opening import Compression, decompressed
from infgram.corpus.options import ReadOptions
from infgram.corpus.places import CountingFile, CountingStream, Found, Place
from infgram.errors import InputError

OnError: TypeAlias = Literal["fail", "skip"]

HOW_TO_GO_ON = "correct or remove it, or leave out what cannot be read with on_error='skip' (--on-error skip)"


@dataclass(frozen=True)
class InputFile:
    """One file of the corpus.

    Attributes:
        place: opens it.
        source: its name in the corpus.
        size_bytes: as stored.
        format: how it is read.
        compression: how it is compressed.
    """

    place: Place
    source: str
    size_bytes: int
    format: Format
    compression: Compression | None

    @classmethod
    def of(cls, found: Found) -> InputFile:
        """A file that is read as its name says; standard input as JSON lines.

        Raises:
            MissingExtraError: its reader needs a package that is not installed.
        """
        format_, compression = format_of(found.name)
        if format_.extra is not None:
            format_.extra.load()
        return cls(found.place, found.name, found.size_bytes, format_, compression)


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
        """What there was of documents and of the text field."""
        field = self._options.text_field
        return FoundSoFar(self._n_documents, field.n_records, field.n_found, field.other_fields)

    def _items(self, file: InputFile) -> Iterator[SourceDocument | Skipped]:
        line: int | None = None
        try:
            with file.place.open() as raw, decompressed(raw, file.compression) as content:
                self._file, self._raw = file, raw
                for item in file.format.read(content, file.source, self._options):
                    line = item.line
                    yield item
        except (OSError, UnreadableError) as error:
            reason = (isinstance(error, OSError) and error.strerror) or str(error)
            what = "cannot be read" if line is None else f"cannot be read any further than line {line}"
            yield Skipped(file.source, None, f"{what}: {reason}")

    def _refuse(self, file: InputFile, skipped: Skipped) -> None:
        if self._on_error == "fail":
            line = "" if skipped.line is None else f", line {skipped.line}"
            raise InputError(f"{file.place}{line}: {skipped.reason}; {HOW_TO_GO_ON}")
        self.skipped.append(skipped)
