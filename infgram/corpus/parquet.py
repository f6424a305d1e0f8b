"""Parquet: a document a row, a few rows at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Final

from infgram.corpus.arrow_rows import ROWS_AT_ONCE, arrow_errors, read_batches
from infgram.corpus.documents import Skipped, SourceDocument
from infgram.corpus.extras import PARQUET
from infgram.corpus.options import ReadOptions

_BUFFER_BYTES: Final = 1 << 20


def read_parquet(content: IO[bytes], source: str, options: ReadOptions) -> Iterator[SourceDocument | Skipped]:
    """The documents of one file, and the rows that are none. Column chunks are streamed, checksums verified.

    Raises:
        UnreadableError: the file is cut short or altered.
    """
    parquet = PARQUET.load()
    with arrow_errors("Parquet"):
        file = parquet.ParquetFile(content, buffer_size=_BUFFER_BYTES, page_checksum_verification=True)
        yield from read_batches(file.schema_arrow, file.iter_batches(ROWS_AT_ONCE), source, options)
