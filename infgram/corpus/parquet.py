"""Parquet files: a document a row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Any, Final

from infgram.corpus.arrow_rows import HELD_BYTES, ROWS_AT_ONCE, arrow_errors, read_batches
from infgram.corpus.documents import Skipped, SourceDocument, UnreadableError
from infgram.corpus.extras import PARQUET
from infgram.corpus.options import ReadOptions
from infgram.corpus.parquet_pages import largest_page_bytes

_BUFFER_BYTES: Final = 1 << 20
_VALUE_BYTES: Final = 32  # of a value in a list, as a Python object


def read_parquet(content: IO[bytes], source: str, options: ReadOptions) -> Iterator[SourceDocument | Skipped]:
    """The documents of one file, and the rows that are none. Column chunks are streamed, checksums verified.

    As many rows are read at once as take about `HELD_BYTES` if all their values were as long as the largest page.

    Raises:
        UnreadableError: the file is cut short or altered, or holds a page that is too large.
    """
    parquet = PARQUET.load()
    with arrow_errors("Parquet"):
        file = parquet.ParquetFile(content, buffer_size=_BUFFER_BYTES, page_checksum_verification=True)
        row_bytes = _largest_row_bytes(content, file.metadata, max(options.longest_bytes, HELD_BYTES))
        rows_at_once = max(1, min(ROWS_AT_ONCE, HELD_BYTES // max(1, row_bytes)))
        yield from read_batches(file.schema_arrow, file.iter_batches(rows_at_once), source, options)


def _largest_row_bytes(content: Any, metadata: Any, most_bytes: int) -> int:
    """What a row takes at most: the largest page, or its share of the values of a list."""
    row_bytes = largest_page_bytes(content.raw, metadata)
    if row_bytes > most_bytes:
        raise UnreadableError(f"a page of {row_bytes} bytes when decompressed, expected at most {most_bytes}")
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        n_values = max((group.column(column).num_values for column in range(group.num_columns)), default=0)
        list_bytes = _VALUE_BYTES * n_values // max(1, group.num_rows)
        if list_bytes > most_bytes:
            raise UnreadableError(f"{n_values} values in {group.num_rows} rows, expected no longer lists")
        row_bytes = max(row_bytes, list_bytes)
    return row_bytes
