"""CSV and TSV: a header, then one document a record; all cells are strings.

Read strictly, as RFC 4180 says: a cell that holds the delimiter, a quote or a line break stands in double
quotes, a quote inside is doubled, every record has as many cells as the header. Records end with a line feed,
with or without a carriage return; empty lines are passed over; a byte order mark is tolerated.
"""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator
from typing import IO

from infgram.corpus.documents import BadRecordError, Skipped, SourceDocument, UnreadableError
from infgram.corpus.options import ReadOptions
from infgram.corpus.readers.lines import bounded_lines, too_long
from infgram.corpus.readers.text_file import not_utf8


def read_csv(content: IO[bytes], source: str, options: ReadOptions) -> Iterator[SourceDocument | Skipped]:
    """The documents of one file of comma-separated values, and the records that are none."""
    return _read(content, source, options, ",")


def read_tsv(content: IO[bytes], source: str, options: ReadOptions) -> Iterator[SourceDocument | Skipped]:
    """The documents of one file of tab-separated values, quoted as CSV is."""
    return _read(content, source, options, "\t")


def _read(content: IO[bytes], source: str, options: ReadOptions, delimiter: str) -> Iterator[SourceDocument | Skipped]:
    # The module has one limit for the whole process, of 128 KiB; it is only ever raised, since lines have our own.
    csv.field_size_limit(max(csv.field_size_limit(), options.longest_bytes))
    records = _Records(content, options.longest_bytes, delimiter)
    header: list[str] | None = None
    for line, cells in records:
        if isinstance(cells, BadRecordError):
            if header is None:
                raise UnreadableError(f"the header: {cells}")
            yield Skipped(source, line, str(cells))
        elif header is None:
            header = cells
            try:
                options.text_field.check_table(header)
            except BadRecordError as error:
                yield Skipped(source, None, str(error))
                return
        elif len(cells) != len(header):
            yield Skipped(source, line, f"{len(cells)} cells, expected {len(header)} as in the header")
        else:
            fields = dict(zip(header, cells, strict=True))
            yield SourceDocument(options.text_field.take(fields), fields, source, line)


class _Records:
    """The records of a file with the line on which each begins, and why those that cannot be read cannot."""

    def __init__(self, content: IO[bytes], longest_bytes: int, delimiter: str) -> None:
        self._lines = bounded_lines(content, longest_bytes)
        self._longest_bytes = longest_bytes
        self._n_lines = 0
        self._n_bytes = 0  # of the record
        self._not_utf8: str | None = None  # of the record
        self._cells = csv.reader(self._decoded(), delimiter=delimiter, strict=True)

    def __iter__(self) -> Iterator[tuple[int, list[str] | BadRecordError]]:
        while True:
            line, self._n_bytes, self._not_utf8 = self._n_lines + 1, 0, None
            try:
                cells = next(self._cells)
            except StopIteration:
                return
            except csv.Error as error:
                yield line, BadRecordError(f"not valid CSV: {error}")
                continue
            if self._not_utf8 is not None:
                yield line, BadRecordError(f"{self._not_utf8} of the line")
            elif cells:
                yield line, cells

    def _decoded(self) -> Iterator[str]:
        for raw in self._lines:
            self._n_lines += 1
            line = raw.removeprefix(codecs.BOM_UTF8) if self._n_lines == 1 else raw
            self._n_bytes += len(line)
            if self._n_bytes > self._longest_bytes:  # a quote that is never closed
                raise too_long("the next record", self._longest_bytes)
            try:
                text = line.decode("utf-8")
            except UnicodeDecodeError as error:
                self._not_utf8 = self._not_utf8 or not_utf8(error, line)
                text = line.decode("utf-8", errors="replace")
            yield text
