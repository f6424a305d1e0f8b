"""Small Parquet and Arrow files with huge values are rejected, or read in little memory."""

from __future__ import annotations

import importlib
import random
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from infgram.corpus import Corpus
from infgram.corpus.readers import columnar
from infgram.errors import InputError

pa: Any = importlib.import_module("pyarrow")
pq: Any = importlib.import_module("pyarrow.parquet")

MIB = 1 << 20
MAX_BYTES = 4 * MIB


@pytest.fixture(autouse=True)
def little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columnar, "MAX_BATCH_BYTES", MAX_BYTES)


@contextmanager
def most_bytes(limit: int) -> Iterator[None]:
    """Check that Arrow allocates at most `limit` bytes in the block."""
    usual = pa.default_memory_pool()
    counted = pa.proxy_memory_pool(usual)
    pa.set_memory_pool(counted)
    try:
        yield
    finally:
        pa.set_memory_pool(usual)
    assert counted.max_memory() < limit


def write(path: Path, table: Any, **options: Any) -> Path:
    """Write Parquet, or an Arrow stream or file, with the strongest compression."""
    if path.suffix == ".parquet":
        pq.write_table(table, path, compression="zstd", **options)
        return path
    new = pa.ipc.new_file if path.stem == "file" else pa.ipc.new_stream
    how = pa.ipc.IpcWriteOptions(compression=options.get("compression"))
    with pa.OSFile(str(path), "wb") as file, new(file, table.schema, options=how) as writer:
        writer.write_table(table)
    return path


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.parquet", {"use_dictionary": False}),
        ("a.parquet", {"use_dictionary": True}),
        ("a.parquet", {"use_dictionary": False, "data_page_version": "2.0"}),
        ("stream.arrow", {"compression": "zstd"}),
        ("stream.arrow", {"compression": "lz4"}),
        ("file.arrow", {"compression": "zstd"}),
    ],
)
def test_a_value_that_inflates(tmp_path: Path, name: str, options: dict[str, Any]) -> None:
    path = write(tmp_path / name, pa.table({"text": ["x" * (64 * MIB)]}), **options)
    assert path.stat().st_size < MIB
    corpus = Corpus(path, longest_document_bytes=1000)
    with (
        most_bytes(MAX_BYTES),
        pytest.raises(InputError, match=r"(holds|a batch of) 6\d+ bytes .*, expected at most 4194304"),
    ):
        list(corpus.documents())


@pytest.mark.parametrize("name", ["a.parquet", "stream.arrow", "file.arrow"])
def test_one_long_entry_of_a_dictionary_in_every_row(tmp_path: Path, name: str) -> None:
    entries = pa.DictionaryArray.from_arrays(pa.array([0, None, 1] * 200, pa.int32()), ["y" * MIB, "z"])
    path = write(tmp_path / name, pa.table({"text": ["x"] * 600, "entry": entries}))
    with most_bytes(16 * MIB):
        lengths = [len(document.metadata["entry"] or "") for document in Corpus(path).documents()]
    assert lengths == [MIB, 0, 1] * 200


def test_a_list_that_inflates(tmp_path: Path) -> None:
    values = pa.nulls(8 * MIB, pa.int32()).fill_null(7)
    lists = pa.ListArray.from_arrays(pa.array([0, len(values)], pa.int32()), values)
    path = write(tmp_path / "a.parquet", pa.table({"text": ["x"], "list": lists}))
    assert path.stat().st_size < MIB
    with pytest.raises(InputError, match="8388608 values in 1 rows, expected"):
        list(Corpus(path, longest_document_bytes=1000).documents())


@pytest.mark.parametrize("name", ["stream.arrow", "file.arrow"])
def test_altered_messages(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name, pa.table({"text": ["abc"] * 100}), compression="zstd")
    whole = path.read_bytes()
    numbers = random.Random(5)
    for _ in range(500):
        altered = bytearray(whole)
        at = numbers.randrange(len(whole))
        altered[at : at + 4] = numbers.randbytes(4)
        path.write_bytes(altered)
        corpus = Corpus(path, on_error="skip")
        with suppress(InputError):  # no document at all
            assert {document.text for document in corpus.documents()} != set()
