"""Valid Parquet and Arrow files: every row is read, and files without rows are not errors."""

from __future__ import annotations

import importlib
import itertools
from pathlib import Path
from typing import Any

import pytest

from infgram.corpus import Corpus
from infgram.errors import InputError

pa: Any = importlib.import_module("pyarrow")
pq: Any = importlib.import_module("pyarrow.parquet")

TEXTS = ["a", "b", "b", "c" * 1000, ""]
COLUMNS: dict[str, Any] = {
    "nothing": pa.nulls(5),
    "dictionary": pa.array(["x", None, "x", "y", "x"]).dictionary_encode(),
    "large": pa.array(["x", None, "é", "", "z"], pa.large_string()),
    "bytes": pa.array([b"\xff", None, b"", b"a", b"b"]),
    "fixed": pa.array([b"ab"] * 5, pa.binary(2)),
    "decimal": pa.array([1, None, 2, 3, 4], pa.decimal128(20, 2)),
    "nested": pa.array([{"a": [1, None], "b": "x"}, None, {"a": [], "b": None}, {"a": None, "b": ""}, {"a": [2]}]),
    "lists": pa.array([["x", "x"], [], None, ["y"], [None]]),
    "dictionaries": pa.array([["x"], [], None, ["x", "x"], ["y"]], pa.list_(pa.dictionary(pa.int32(), pa.string()))),
    "map": pa.array([[("k", "v")], [], None, [("k", None)], []], pa.map_(pa.string(), pa.string())),
}


def table(texts: list[str], **columns: Any) -> Any:
    return pa.table({"text": pa.array(texts, pa.string()), **columns})


def texts(path: Path, **options: Any) -> list[str]:
    return [document.text for document in Corpus(path, **options).documents()]


@pytest.mark.parametrize("groups", sorted(set(itertools.permutations([0, 2, 0, 3]))), ids=str)
def test_row_groups_without_rows(tmp_path: Path, groups: tuple[int, ...]) -> None:
    path = tmp_path / "a.parquet"
    rows = iter(TEXTS)
    with pq.ParquetWriter(path, table([]).schema) as writer:
        for n in groups:
            writer.write_table(table([*itertools.islice(rows, n)]))
    assert pq.ParquetFile(path).num_row_groups == len(groups)
    assert texts(path) == TEXTS
    assert texts(path, on_error="skip") == TEXTS


def test_a_pandas_frame_without_rows(tmp_path: Path) -> None:
    """Such a frame has columns of type null; it is written by hand here, since pandas is not needed otherwise."""
    frame = pa.table({"text": pa.nulls(0), "x": pa.nulls(0)})
    frame = frame.replace_schema_metadata({b"pandas": b'{"index_columns": [], "columns": []}'})
    pq.write_table(frame, tmp_path / "a.parquet")
    pq.write_table(table([]), tmp_path / "b.parquet")
    pq.write_table(table(TEXTS), tmp_path / "c.parquet")
    with pa.OSFile(str(tmp_path / "d.arrow"), "wb") as file, pa.ipc.new_stream(file, frame.schema):
        pass
    corpus = Corpus(tmp_path)
    assert [document.text for document in corpus.documents()] == TEXTS
    assert corpus.summary() == "read 3 files as Parquet, 1 as Arrow"
    with pytest.raises(InputError, match="no document found; every input file is empty"):
        texts(tmp_path / "a.parquet")


OPTIONS: list[dict[str, Any]] = [
    *({"compression": compression} for compression in ("none", "snappy", "gzip", "zstd", "lz4", "brotli")),
    {"use_dictionary": False},
    {"dictionary_pagesize_limit": 10, "data_page_size": 10, "write_batch_size": 1},
    {"data_page_version": "2.0"},
    {"row_group_size": 1},
    {"write_page_checksum": True, "write_page_index": True},
    {"use_dictionary": False, "column_encoding": {"text": "DELTA_BYTE_ARRAY"}},
    {"version": "1.0"},
    {"store_schema": False},
    {"store_decimal_as_integer": True},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("name", COLUMNS)
def test_files_of_pyarrow_are_read(tmp_path: Path, name: str, options: dict[str, Any]) -> None:
    path = tmp_path / "a.parquet"
    one = table(TEXTS, x=COLUMNS[name])
    pq.write_table(pa.concat_tables([one] * 30), path, **options)
    with pa.OSFile(str(tmp_path / "b.arrow"), "wb") as file, pa.ipc.new_stream(file, one.schema) as writer:
        for _ in range(30):
            writer.write_table(one)
    documents = list(Corpus(path).documents())
    assert [document.text for document in documents] == TEXTS * 30
    if "store_schema" not in options and options.get("version") != "1.0":
        of_arrow = list(Corpus(tmp_path / "b.arrow").documents())
        assert [document.metadata for document in documents] == [document.metadata for document in of_arrow]


@pytest.mark.parametrize("compression", [None, "zstd", "lz4"])
@pytest.mark.parametrize("name", COLUMNS)
@pytest.mark.parametrize("new", [pa.ipc.new_stream, pa.ipc.new_file])
def test_arrow_with_empty_batches(tmp_path: Path, new: Any, name: str, compression: str | None) -> None:
    one = table(TEXTS, x=COLUMNS[name])
    options = pa.ipc.IpcWriteOptions(compression=compression, unify_dictionaries=True)
    with pa.OSFile(str(tmp_path / "a.arrow"), "wb") as file, new(file, one.schema, options=options) as writer:
        (batch,) = one.to_batches()
        for part in (batch.slice(0, 0), batch, batch.slice(2, 0), batch.slice(2)):
            writer.write_batch(part)
    assert texts(tmp_path / "a.arrow") == [*TEXTS, *TEXTS[2:]]


def test_a_column_that_falls_back_from_its_dictionary(tmp_path: Path) -> None:
    many = [f"{i}" * 50 for i in range(3000)]
    pq.write_table(table(many), tmp_path / "a.parquet", dictionary_pagesize_limit=1000, row_group_size=1000)
    assert texts(tmp_path / "a.parquet") == many


def test_the_name_does_not_matter(tmp_path: Path) -> None:
    pq.write_table(table(TEXTS), tmp_path / "a.parquet.gz")  # as some writers name internally compressed files
    pq.write_table(table(TEXTS), tmp_path / "b")
    with pa.OSFile(str(tmp_path / "c"), "wb") as file, pa.ipc.new_stream(file, table([]).schema) as writer:
        writer.write_table(table(TEXTS))
    assert texts(tmp_path) == TEXTS * 3
