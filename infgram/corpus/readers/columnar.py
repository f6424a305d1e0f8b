"""Parquet and Arrow files: one document per row."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import IO, Any, Final

from infgram.corpus.documents import BadRecordError, ReadOptions, Skipped, SourceDocument, UnreadableError
from infgram.corpus.readers.arrow_messages import check_messages
from infgram.corpus.readers.arrow_values import JsonColumn, struct_children
from infgram.corpus.readers.extras import ARROW, PARQUET

MAX_BATCH_ROWS: Final = 128
MAX_BATCH_BYTES: Final = 256 << 20
"""The maximum size, decompressed, of the rows that are read at once."""
_VALUE_BYTES: Final = 32  # of a list item as a Python object
_BUFFER_BYTES: Final = 1 << 20
_SUSPICIOUS_RATIO: Final = 50  # a compression ratio that text does not reach
_FILE_MAGIC: Final = b"ARROW1"
_FILE_HEADER_BYTES: Final = 8  # the magic and its padding
_END_OF_STREAM: Final = b"\xff\xff\xff\xff\x00\x00\x00\x00"


@contextmanager
def arrow_errors(kind: str) -> Iterator[None]:
    """Raise `UnreadableError` for the errors of pyarrow and for names that are not UTF-8; keep OSError."""
    try:
        yield
    except ARROW.load().ArrowNotImplementedError as error:
        raise UnreadableError(f"{kind} data that pyarrow cannot read: {error}") from error
    except (ARROW.load().ArrowException, UnicodeDecodeError) as error:
        raise UnreadableError(f"truncated or damaged {kind} data: {error}") from error


def read_batches(
    schema: Any, batches: Iterable[Any], source: str, options: ReadOptions
) -> Iterator[SourceDocument | Skipped]:
    """Yield the documents of all batches, and the rows that cannot be documents.

    Args:
        schema: the `pyarrow.Schema` of the batches.
        batches: the `pyarrow.RecordBatch`es.
        source: the name of the file in the corpus.
        options: the text column and the maximum size of a text.
    """
    text_field = options.text_field
    try:
        text_field.check_table(schema.names, struct_children(schema))
    except BadRecordError as error:
        yield Skipped(source, None, str(error))
        return
    columns = [JsonColumn(field.name, field.type, is_text=field.name == text_field.name) for field in schema]
    for number, cells in enumerate(_rows(columns, batches), start=1):
        try:
            fields = {column.name: column.json_value(cell) for column, cell in zip(columns, cells, strict=True)}
            text = text_field.take(fields)
            if len(text) > options.longest_bytes:
                raise BadRecordError(f"a text of {len(text)} characters, expected at most {options.longest_bytes}")
        except BadRecordError as error:
            yield Skipped(source, number, str(error))
        else:
            yield SourceDocument(text, fields, source, number)


def _rows(columns: list[JsonColumn], batches: Iterable[Any]) -> Iterator[tuple[Any, ...]]:
    for batch in batches:
        for begin in range(0, batch.num_rows, MAX_BATCH_ROWS):
            part = batch.slice(begin, MAX_BATCH_ROWS)
            yield from zip(*(column.cells(part.column(i)) for i, column in enumerate(columns)), strict=True)


def read_arrow(content: IO[bytes], source: str, options: ReadOptions) -> Iterator[SourceDocument | Skipped]:
    """Read Arrow data in the file or the stream layout, as saved Hugging Face datasets hold it.

    The file layout is a stream between two magics, followed by a footer that sequential reading does not need.

    Raises:
        UnreadableError: the file is truncated or damaged, or a batch exceeds the maximum size. The end mark is
            checked first, since a file that is truncated between two batches looks complete otherwise.
    """
    is_file = content.read(len(_FILE_MAGIC)) == _FILE_MAGIC
    _check_end(content, _FILE_MAGIC if is_file else _END_OF_STREAM)
    begin = _FILE_HEADER_BYTES if is_file else 0
    check_messages(content, begin, max(options.longest_bytes, MAX_BATCH_BYTES))
    content.seek(begin)
    with arrow_errors("Arrow"):
        stream = ARROW.load().ipc.open_stream(content)
        yield from read_batches(stream.schema, stream, source, options)


def _check_end(content: IO[bytes], mark: bytes) -> None:
    n_bytes = content.seek(0, os.SEEK_END)
    content.seek(max(0, n_bytes - len(mark)))
    if content.read() != mark:
        raise UnreadableError("truncated Arrow data: the mark at its end is missing")


def read_parquet(content: Any, source: str, options: ReadOptions) -> Iterator[SourceDocument | Skipped]:
    """Read a Parquet file: column chunks are streamed and page checksums are verified.

    The metadata of the file bound the size of a row. Small files that decompress to huge values are refused, and
    fewer rows are read at once where rows may be long.

    Raises:
        UnreadableError: the file is truncated or damaged, or a row exceeds the maximum size.
    """
    parquet = PARQUET.load()
    with arrow_errors("Parquet"):
        metadata = parquet.read_metadata(content)
        row_bytes = _largest_row_bytes(metadata, max(options.longest_bytes, MAX_BATCH_BYTES))
        rows_at_once = max(1, min(MAX_BATCH_ROWS, MAX_BATCH_BYTES // max(1, row_bytes)))
        file = parquet.ParquetFile(
            content,
            metadata=metadata,
            buffer_size=_BUFFER_BYTES,
            page_checksum_verification=True,
        )
        groups = (number for number in range(metadata.num_row_groups) if metadata.row_group(number).num_rows > 0)
        batches = (batch for number in groups for batch in file.iter_batches(rows_at_once, row_groups=[number]))
        yield from read_batches(file.schema_arrow, batches, source, options)


def _largest_row_bytes(metadata: Any, max_bytes: int) -> int:
    """Return the maximum, over row groups and columns, of the mean row size and the estimated dictionary size."""
    largest = 0
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        n_rows = group.num_rows
        for column in range(group.num_columns if n_rows > 0 else 0):
            chunk = group.column(column)
            row_bytes = max(chunk.total_uncompressed_size, _VALUE_BYTES * chunk.num_values) // n_rows
            if row_bytes > max_bytes:
                raise UnreadableError(
                    f"the column {chunk.path_in_schema!r:.80} holds {chunk.total_uncompressed_size} bytes and "
                    f"{chunk.num_values} values in {n_rows} rows, expected at most {max_bytes} bytes a row"
                )
            largest = max(largest, row_bytes, _dictionary_bytes(chunk))
    return largest


def _dictionary_bytes(chunk: Any) -> int:
    """Estimate the size of a column chunk's dictionary, which may be a single entry that every row repeats."""
    if not chunk.has_dictionary_page or not chunk.dictionary_page_offset:
        return 0
    if chunk.total_uncompressed_size > _SUSPICIOUS_RATIO * chunk.total_compressed_size:
        return int(chunk.total_uncompressed_size)
    stored_bytes = max(0, chunk.data_page_offset - chunk.dictionary_page_offset)
    return int(stored_bytes * chunk.total_uncompressed_size // max(1, chunk.total_compressed_size))
