"""Write a file of rows in the format that its suffix selects; the file appears only when it is complete."""

from __future__ import annotations

import bz2
import gzip
import io
import itertools
import json
import lzma
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final, TypeAlias, cast

from infgram.corpus.readers.extras import PARQUET
from infgram.corpus.sources.decompression import zstd_module
from infgram.errors import IndexExistsError, MissingExtraError, QueryError
from infgram.files.disk import atomic_file, storage_errors
from infgram.files.manifest import is_index
from infgram.index import StrPath

Row: TypeAlias = dict[str, Any]
Write: TypeAlias = Callable[[Row], None]

_ROWS_AT_ONCE: Final = 1024
_JSON_LINES: Final = (".jsonl", ".ndjson")
PARQUET_SUFFIX: Final = ".parquet"
_HINT: Final = "JSON lines support values of any type: pass a name that ends in .jsonl.zst"


def _gzip(file: IO[bytes]) -> IO[bytes]:
    return cast(IO[bytes], gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0))  # the bytes are reproducible


_COMPRESSIONS: Final[dict[str, Callable[[IO[bytes]], IO[bytes]]]] = {
    ".gz": _gzip,
    ".zst": lambda file: cast(IO[bytes], zstd_module().ZstdFile(file, "wb")),
    ".bz2": lambda file: cast(IO[bytes], bz2.BZ2File(file, "wb")),
    ".xz": lambda file: cast(IO[bytes], lzma.LZMAFile(file, "wb")),  # noqa: SIM115  # closed by its user
}
_KNOWN_NAMES: Final = ".jsonl or .ndjson, optionally followed by .gz, .zst, .bz2 or .xz; or .parquet"


@contextmanager
def rows_file(output: StrPath, *, overwrite: bool) -> Iterator[Write]:
    """Yield a function that writes a row; the file appears at `output` when the block ends without an error.

    `.jsonl` and `.ndjson` files have one line of JSON per row, in UTF-8; `.gz`, `.zst`, `.bz2` and `.xz` compress them.
    `.parquet` files have one column per field. A missing field is null, and so is an object without fields, which
    Parquet does not support.

    Raises:
        QueryError: the suffix is unknown, the output is in the folder of an index, or the rows do not fit into the
            columns of one table.
        IndexExistsError: the output exists and `overwrite` is False.
        MissingExtraError: the package that writes Parquet is not installed.
        StorageError: the operating system refused.
    """
    target = Path(output)
    check_output(target, overwrite=overwrite)
    write_rows = _parquet_rows if rows_format(target) == PARQUET_SUFFIX else _json_lines
    with storage_errors(f"write {target}"), atomic_file(target) as unfinished:
        with open(unfinished, "wb") as file, write_rows(file, target) as write:
            yield write
        check_output(target, overwrite=overwrite)


def check_output(output: StrPath, *, overwrite: bool) -> None:
    """Check that a file of rows can be written to `output`.

    Raises:
        QueryError, IndexExistsError, MissingExtraError, StorageError: as for `rows_file`.
    """
    target = Path(output)
    check_file(target, overwrite=True)  # a folder is named as such, whatever its suffix
    if rows_format(target) == PARQUET_SUFFIX:
        _parquet()
    check_file(target, overwrite=overwrite)


def check_file(target: Path, *, overwrite: bool) -> None:
    """Check that a path may become a file.

    Raises:
        IndexExistsError: it is a folder, or a file exists and `overwrite` is False.
        QueryError: it is in the folder of an index.
        StorageError: the path cannot be read.
    """
    with storage_errors(f"read {target}"):
        is_inside, is_folder, exists = is_index(target.parent), target.is_dir(), target.exists()
    if is_inside:
        raise QueryError(f"{target} is in an index, where only its own files belong; choose another folder")
    if is_folder:
        raise IndexExistsError(f"{target} is a folder; expected the path of a file")
    if exists and not overwrite:
        raise IndexExistsError(f"{target} exists; pass --overwrite (overwrite=True) to replace it")


def rows_format(target: Path, other_names: str = "") -> str:
    """Return `.parquet`, or the suffix of the compression of JSON lines; empty if they are not compressed.

    Args:
        target: the path of a file of rows.
        other_names: what else the caller accepts, for the message.

    Raises:
        QueryError: the suffix is unknown.
    """
    name = target.name.lower()
    if name.endswith(PARQUET_SUFFIX):
        return PARQUET_SUFFIX
    for compression in ("", *_COMPRESSIONS):
        if name.endswith(tuple(ending + compression for ending in _JSON_LINES)):
            return compression
    raise QueryError(f"{target}: unknown output format; expected a name that ends in {_KNOWN_NAMES}{other_names}")


@contextmanager
def _json_lines(file: IO[bytes], target: Path) -> Iterator[Write]:
    compression = rows_format(target)
    if not compression:
        yield _line_writer(file)
    else:
        with _COMPRESSIONS[compression](file) as compressed, io.BufferedWriter(cast(Any, compressed), 1 << 16) as lines:
            yield _line_writer(lines)


def _line_writer(file: IO[bytes] | io.BufferedWriter) -> Write:
    def write(row: Row) -> None:
        file.write((json.dumps(row, ensure_ascii=False) + "\n").encode("utf-8"))

    return write


@contextmanager
def _parquet_rows(file: IO[bytes], target: Path) -> Iterator[Write]:
    """Buffer the rows in a temporary file beside the output until all columns and their types are known."""
    table = _Columns(target)
    with tempfile.TemporaryFile(dir=target.parent) as buffer:
        write_to_buffer, batch = _line_writer(buffer), list[Row]()

        def write(row: Row) -> None:
            write_to_buffer(row)
            batch.append(row)
            if len(batch) == _ROWS_AT_ONCE:
                table.add_fields(batch)
                batch.clear()

        yield write
        table.add_fields(batch)
        buffer.seek(0)
        table.write(file, buffer)


class _Columns:
    """The columns of a table, inferred from its rows."""

    def __init__(self, target: Path) -> None:
        self._pa, self._parquet = _parquet()
        self._target = target
        self._schema = self._pa.schema([])

    def add_fields(self, rows: list[Row]) -> None:
        """Extend the schema by the fields of these rows.

        Raises:
            QueryError: a field has values of incompatible types.
        """
        names = dict.fromkeys(name for row in rows for name in row)
        for name in names:
            try:
                values = self._pa.array([_without_empty(row.get(name)) for row in rows])
                one = self._pa.schema([(name, values.type)])
                self._schema = self._pa.unify_schemas([self._schema, one], promote_options="permissive")
            except (self._pa.ArrowException, OverflowError, TypeError, ValueError) as error:
                raise self._refusal(name, error) from error

    def write(self, file: IO[bytes], lines: IO[bytes]) -> None:
        """Write the table, given its rows as JSON lines."""
        try:
            with self._parquet.ParquetWriter(file, self._schema, compression="zstd") as writer:
                while rows := [json.loads(line) for line in itertools.islice(lines, _ROWS_AT_ONCE)]:
                    writer.write_table(self._table(rows))
        except self._pa.ArrowException as error:
            raise QueryError(f"{self._target}: the rows cannot be written as Parquet ({error}); {_HINT}") from error

    def _table(self, rows: list[Row]) -> Any:
        columns = []
        for field in self._schema:
            try:
                columns.append(self._pa.array([_without_empty(row.get(field.name)) for row in rows], type=field.type))
            except (self._pa.ArrowException, OverflowError, TypeError, ValueError) as error:
                raise self._refusal(field.name, error) from error
        return self._pa.Table.from_arrays(columns, schema=self._schema)

    def _refusal(self, name: str, error: Exception) -> QueryError:
        return QueryError(
            f"{self._target}: the field {name!r:.80} cannot be written as a column of Parquet ({error}); {_HINT}"
        )


def _without_empty(value: Any) -> Any:
    """Return the value with None in place of each object without fields, at any depth."""
    if isinstance(value, dict):
        return {name: _without_empty(each) for name, each in value.items()} or None
    return [_without_empty(each) for each in value] if isinstance(value, list) else value


def _parquet() -> tuple[Any, Any]:
    try:
        parquet = PARQUET.load()
    except MissingExtraError as error:
        raise MissingExtraError(
            f"Parquet cannot be written: {error.__cause__}; run pip install 'infgram[parquet]'"
        ) from error
    return sys.modules["pyarrow"], parquet
