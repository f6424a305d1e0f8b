"""One pass over the input: documents out, refusals raised or recorded, bytes counted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, TypeAlias

from infgram.corpus.documents import Skipped, SourceDocument
from infgram.corpus.json_lines import JsonLinesReader
from infgram.corpus.listing import InputFile
from infgram.corpus.opening import CountingFile, DamagedInputError, decompressed, open_file
from infgram.corpus.text_file import read_text
from infgram.errors import InputError

OnError: TypeAlias = Literal["fail", "skip"]

HOW_TO_GO_ON = "correct or remove it, or leave out what cannot be read with on_error='skip' (--on-error skip)"


class Reading:
    """The state of one pass.

    Attributes:
        skipped: what could not be read so far.
    """

    def __init__(
        self, root: str, files: Sequence[InputFile], unlisted: Sequence[Skipped], text_field: str, on_error: OnError
    ) -> None:
        self.skipped: list[Skipped] = list(unlisted)
        self._root = root
        self._files = files
        self._on_error = on_error
        self._json_lines = JsonLinesReader(text_field)
        self._finished_bytes = 0
        self._file: InputFile | None = None
        self._raw: CountingFile | None = None

    @property
    def bytes_read(self) -> int:
        """Bytes on disk; a file counts as read whole once it is left."""
        if self._raw is None or self._file is None:
            return self._finished_bytes
        return self._finished_bytes + min(self._raw.n_bytes_read, self._file.size_bytes)

    def documents(self) -> Iterator[SourceDocument]:
        """All documents, file by file.

        Raises:
            InputError: under `fail`, at the first piece of input that cannot be read; always, at the end,
                if there was no document or no line with the text field.
        """
        n_documents = 0
        for file in self._files:
            for item in self._items(file):
                if isinstance(item, SourceDocument):
                    n_documents += 1
                    yield item
                else:
                    self._refuse(file, item)
            self._raw = None
            self._finished_bytes += file.size_bytes
        self._check_text_field()
        if n_documents == 0:
            raise InputError(f"{self._root}: no document found{self._why_none()}")

    def _items(self, file: InputFile) -> Iterator[SourceDocument | Skipped]:
        line: int | None = None
        try:
            with open_file(file.path) as raw, decompressed(raw, file.compression) as content:
                self._file, self._raw = file, raw
                reader = read_text if file.format == "text" else self._json_lines.read
                for item in reader(content, file.source):
                    line = item.line
                    yield item
        except (OSError, DamagedInputError) as error:
            reason = (isinstance(error, OSError) and error.strerror) or str(error)
            what = "cannot be read" if line is None else f"cannot be read any further than line {line}"
            yield Skipped(file.source, None, f"{what}: {reason}")

    def _refuse(self, file: InputFile, skipped: Skipped) -> None:
        if self._on_error == "fail":
            line = "" if skipped.line is None else f", line {skipped.line}"
            raise InputError(f"{file.path}{line}: {skipped.reason}; {HOW_TO_GO_ON}")
        self.skipped.append(skipped)

    def _check_text_field(self) -> None:
        lines = self._json_lines
        if lines.n_objects > 0 and lines.n_with_text_field == 0:
            raise InputError(
                f"{self._root}: not one of {lines.n_objects} lines has the field {lines.text_field!r}; found "
                f"{lines.other_fields}; name the field with text_field=… (--text-field)"
            )

    def _why_none(self) -> str:
        if not self.skipped:
            return "; every input file is empty"
        first = self.skipped[0]
        where = first.source if first.line is None else f"{first.source}, line {first.line}"
        return f"; {len(self.skipped)} pieces of input cannot be read, the first: {where}: {first.reason}"
