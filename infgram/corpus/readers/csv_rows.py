"""CSV and TSV files: a header, then one document per record; all cells are strings.

Parsing is strict, by RFC 4180: a cell with a delimiter, a quote or a line break is enclosed in double quotes, a quote
inside is doubled, and every record has as many cells as the header. Records end with a line feed, with or without a
carriage return. Empty lines are skipped; a byte order mark is accepted.
"""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator
from typing import IO

from infgram.corpus.documents import BadRecordError, ReadOptions, Skipped, SourceDocument, UnreadableError
from infgram.corpus.readers.text import bounded_lines, not_utf8, too_long


def read_csv(content: IO[bytes], source: str, options: ReadOptions) -> Iterator[SourceDocument | Skipped]:
    """Read a file of comma-separated values: yield its documents, and the records that cannot be documents."""
    return _read(content, source, options, ",")


def read_tsv(content: IO[bytes], source: str, options: ReadOptions) -> Iterator[SourceDocument | Skipped]:
    """Read a file of tab-separated values, with the quoting of CSV."""
    return _read(content, source, options, "\t")


def _read(content: IO[bytes], source: str, options: ReadOptions, delimiter: str) -> Iterator[SourceDocument | Skipped]:
    # The csv module's limit is one for the process, 128 KiB by default. It is only raised: lines are bounded here.
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
    """The records of a file, each with the line on which it begins, or the reason why it cannot be read."""

    def __init__(self, content: IO[bytes], longest_bytes: int, delimiter: str) -> None:
        self._lines = bounded_lines(content, longest_bytes)
        self._longest_bytes = longest_bytes
        self._n_lines = 0
        self._n_bytes = 0  # of the current record
        self._not_utf8: str | None = None  # of the current record
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
