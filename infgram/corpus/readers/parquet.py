"""Parquet files: a document a row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from infgram.corpus.documents import Skipped, SourceDocument, UnreadableError
from infgram.corpus.options import ReadOptions
from infgram.corpus.readers.arrow_rows import HELD_BYTES, ROWS_AT_ONCE, arrow_errors, read_batches
from infgram.corpus.readers.extras import PARQUET

_BUFFER_BYTES: Final = 1 << 20
_VALUE_BYTES: Final = 32  # of a value in a list, as a Python object
_SUSPICIOUS_RATIO: Final = 50  # of compression, which no text has


def read_parquet(content: Any, source: str, options: ReadOptions) -> Iterator[SourceDocument | Skipped]:
    """The documents of one file, and the rows that are none. Column chunks are streamed, checksums verified.

    pyarrow says what is damaged. How much a row takes follows from the directory of the file: by it, files of a few
    kilobytes that hold huge values are refused, and fewer rows are read at once where they may be long.

    Raises:
        UnreadableError: the file is cut short or altered, or holds rows that are too large.
    """
    parquet = PARQUET.load()
    with arrow_errors("Parquet"):
        metadata = parquet.read_metadata(content)
        row_bytes = _largest_row_bytes(metadata, max(options.longest_bytes, HELD_BYTES))
        rows_at_once = max(1, min(ROWS_AT_ONCE, HELD_BYTES // max(1, row_bytes)))
        file = parquet.ParquetFile(
            content,
            metadata=metadata,
            buffer_size=_BUFFER_BYTES,
            page_checksum_verification=True,
        )
        groups = (number for number in range(metadata.num_row_groups) if metadata.row_group(number).num_rows > 0)
        batches = (batch for number in groups for batch in file.iter_batches(rows_at_once, row_groups=[number]))
        yield from read_batches(file.schema_arrow, batches, source, options)


def _largest_row_bytes(metadata: Any, most_bytes: int) -> int:
    """What a row takes: the average of the row group where that is most, or about the longest entry of a dictionary."""
    largest = 0
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        n_rows = group.num_rows
        for column in range(group.num_columns if n_rows > 0 else 0):
            chunk = group.column(column)
            row_bytes = max(chunk.total_uncompressed_size, _VALUE_BYTES * chunk.num_values) // n_rows
            if row_bytes > most_bytes:
                raise UnreadableError(
                    f"the column {chunk.path_in_schema!r:.80} holds {chunk.total_uncompressed_size} bytes and "
                    f"{chunk.num_values} values in {n_rows} rows, expected at most {most_bytes} bytes a row"
                )
            largest = max(largest, row_bytes, _dictionary_bytes(chunk))
    return largest


def _dictionary_bytes(chunk: Any) -> int:
    """About what the dictionary of a column chunk takes, all of which may be one entry that every row has."""
    if not chunk.has_dictionary_page or not chunk.dictionary_page_offset:
        return 0
    if chunk.total_uncompressed_size > _SUSPICIOUS_RATIO * chunk.total_compressed_size:
        return int(chunk.total_uncompressed_size)
    stored_bytes = max(0, chunk.data_page_offset - chunk.dictionary_page_offset)
    return int(stored_bytes * chunk.total_uncompressed_size // max(1, chunk.total_compressed_size))
