"""A file of rows in the format that its name says; it appears whole or not at all."""

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
from infgram.index import StrPath

Row: TypeAlias = dict[str, Any]
Write: TypeAlias = Callable[[Row], None]

_ROWS_AT_ONCE: Final = 1024
_JSON_LINES: Final = (".jsonl", ".ndjson")
_PARQUET: Final = ".parquet"
_HINT: Final = "JSON lines hold values of any type: give a name that ends in .jsonl.zst"


def _gzip(file: IO[bytes]) -> IO[bytes]:
    return cast(IO[bytes], gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0))  # equal rows, equal bytes


_COMPRESSIONS: Final[dict[str, Callable[[IO[bytes]], IO[bytes]]]] = {
    ".gz": _gzip,
    ".zst": lambda file: cast(IO[bytes], zstd_module().ZstdFile(file, "wb")),
    ".bz2": lambda file: cast(IO[bytes], bz2.BZ2File(file, "wb")),
    ".xz": lambda file: cast(IO[bytes], lzma.LZMAFile(file, "wb")),  # noqa: SIM115  # closed by its user
}
KNOWN_NAMES: Final = ".jsonl or .ndjson, also with .gz, .zst, .bz2 or .xz behind; .parquet"


@contextmanager
def rows_file(output: StrPath, *, overwrite: bool) -> Iterator[Write]:
    """A function that writes a row, while the block runs; the file gets its name when the block ends without an error.

    `.jsonl` and `.ndjson` hold a line of JSON a row, in UTF-8; `.gz`, `.zst`, `.bz2` and `.xz` behind compress it.
    `.parquet` holds a column a field; a field that a row lacks is null there, and so is an object without fields,
    which Parquet cannot hold.

    Raises:
        QueryError: the name says no known format, or the rows do not fit into the columns of one table.
        IndexExistsError: the output is taken and may not be replaced.
        MissingExtraError: Parquet needs a package that is not installed.
        StorageError: the operating system refused.
    """
    target = Path(output)
    check_output(target, overwrite=overwrite)
    write_rows = _parquet_rows if _format(target) == _PARQUET else _json_lines
    with storage_errors(f"write {target}"), atomic_file(target) as unfinished:
        with open(unfinished, "wb") as file, write_rows(file, target) as write:
            yield write
        check_output(target, overwrite=overwrite)


def check_output(output: StrPath, *, overwrite: bool) -> None:
    """Whether a file of rows may be written there.

    Raises:
        QueryError, IndexExistsError, MissingExtraError: as `rows_file`.
    """
    target = Path(output)
    if target.is_dir():
        raise IndexExistsError(f"{target} is a folder")
    if _format(target) == _PARQUET:
        _parquet()
    if target.exists() and not overwrite:
        raise IndexExistsError(f"{target} exists; pass --overwrite (overwrite=True) to replace it")


def _format(target: Path) -> str:
    """What the name says: `.parquet`, or the compression of lines of JSON, empty if there is none.

    Raises:
        QueryError: the name says no known format.
    """
    name = target.name.lower()
    if name.endswith(_PARQUET):
        return _PARQUET
    for compression in ("", *_COMPRESSIONS):
        if name.endswith(tuple(ending + compression for ending in _JSON_LINES)):
            return compression
    raise QueryError(f"{target}: the name does not say how to write it; expected a name that ends in {KNOWN_NAMES}")


@contextmanager
def _json_lines(file: IO[bytes], target: Path) -> Iterator[Write]:
    compression = _format(target)
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
    """The rows wait in a temporary file beside the output until all columns and their types are known."""
    table = _Columns(target)
    with tempfile.TemporaryFile(dir=target.parent) as waiting:
        keep, held = _line_writer(waiting), list[Row]()

        def write(row: Row) -> None:
            keep(row)
            held.append(row)
            if len(held) == _ROWS_AT_ONCE:
                table.learn(held)
                held.clear()

        yield write
        table.learn(held)
        waiting.seek(0)
        table.write(file, waiting)


class _Columns:
    """The columns of a table, learnt from its rows."""

    def __init__(self, target: Path) -> None:
        self._pa, self._parquet = _parquet()
        self._target = target
        self._schema = self._pa.schema([])

    def learn(self, rows: list[Row]) -> None:
        """Columns for the fields of these rows.

        Raises:
            QueryError: a field has values of different types.
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
        """Write the table from the rows as lines of JSON."""
        try:
            with self._parquet.ParquetWriter(file, self._schema, compression="zstd") as writer:
                while rows := [json.loads(line) for line in itertools.islice(lines, _ROWS_AT_ONCE)]:
                    writer.write_table(self._table(rows))
        except self._pa.ArrowException as error:
            raise QueryError(f"{self._target}: Parquet cannot hold the rows ({error}); {_HINT}") from error

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
            f"{self._target}: the field {name!r:.80} does not fit into a column of Parquet ({error}); {_HINT}"
        )


def _without_empty(value: Any) -> Any:
    """The value with None for each object without fields, at any depth."""
    if isinstance(value, dict):
        return {name: _without_empty(each) for name, each in value.items()} or None
    return [_without_empty(each) for each in value] if isinstance(value, list) else value


def _parquet() -> tuple[Any, Any]:
    try:
        parquet = PARQUET.load()
    except MissingExtraError as error:
        raise MissingExtraError(
            f"Parquet cannot be written: {error.__cause__}; pip install 'infgram[parquet]'"
        ) from error
    return sys.modules["pyarrow"], parquet
