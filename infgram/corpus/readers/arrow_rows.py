"""Rows of Arrow batches to documents: the text out of its column, all other columns as JSON values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from infgram.corpus.documents import BadRecordError, Skipped, SourceDocument, UnreadableError
from infgram.corpus.options import ReadOptions
from infgram.corpus.readers.arrow_values import JsonColumn, struct_children
from infgram.corpus.readers.extras import ARROW

ROWS_AT_ONCE: Final = 128
HELD_BYTES: Final = 256 << 20
"""What the values of the rows that are read at once may take, however well they are compressed."""


@contextmanager
def arrow_errors(kind: str) -> Iterator[None]:
    """Arrow's own errors become the end of the file; it raises OSError too, which is left as it is.

    Raises:
        UnreadableError: instead of `pyarrow.ArrowException`, and where a name in the file is not UTF-8.
    """
    try:
        yield
    except ARROW.load().ArrowNotImplementedError as error:
        raise UnreadableError(f"{kind} data that pyarrow does not read: {error}") from error
    except (ARROW.load().ArrowException, UnicodeDecodeError) as error:
        raise UnreadableError(f"truncated or damaged {kind} data: {error}") from error


def read_batches(
    schema: Any, batches: Iterable[Any], source: str, options: ReadOptions
) -> Iterator[SourceDocument | Skipped]:
    """The documents of all batches, and the rows that are none.

    Args:
        schema: the `pyarrow.Schema` of the batches.
        batches: `pyarrow.RecordBatch`es.
        source: the file's name in the corpus.
        options: the text column, and how long a text may be.
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
        for begin in range(0, batch.num_rows, ROWS_AT_ONCE):
            part = batch.slice(begin, ROWS_AT_ONCE)
            yield from zip(*(column.cells(part.column(i)) for i, column in enumerate(columns)), strict=True)
