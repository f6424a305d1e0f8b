"""Small Parquet and Arrow files with huge values are rejected, or read in little memory."""

from __future__ import annotations

import bz2
import gzip
import importlib
import lzma
import random
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from infgram.corpus import Corpus, documents as corpus_documents
from infgram.corpus.readers import columnar
from infgram.corpus.sources.decompression import zstd_module
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


def repeated(folder: Path) -> Path:
    """A Parquet file with one text of 100 kB in every row; its 400 rows take some kilobytes."""
    entries = pa.DictionaryArray.from_arrays(pa.nulls(400, pa.int32()).fill_null(0), ["x" * 100_000])
    return write(folder / "a.parquet", pa.table({"text": entries}))


def test_few_bytes_that_stand_for_endless_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = repeated(tmp_path)
    assert len(list(Corpus(path).documents())) == 400
    monkeypatch.setattr(corpus_documents, "MAX_EXCESS_TEXT", MIB)
    monkeypatch.setattr(corpus_documents, "MAX_RATIO", 100)
    with pytest.raises(InputError, match=r"bytes that were read stand for .* characters, more than 100 times"):
        list(Corpus(path).documents())
    (tmp_path / "b.txt").write_text("the next file")
    corpus = Corpus(tmp_path, on_error="skip")
    texts = [document.text for document in corpus.documents()]
    assert len(texts) < 100
    assert texts[-1] == "the next file"
    assert "kept, the rest of the file skipped" in corpus.skipped[0].reason


def test_many_files_have_one_allowance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus_documents, "MAX_RATIO", 100)
    monkeypatch.setattr(corpus_documents, "MAX_EXCESS_TEXT", 50 * MIB)
    for number in range(3):
        repeated(tmp_path).rename(tmp_path / f"{number}.parquet")
    assert len(list(Corpus(tmp_path / "0.parquet").documents())) == 400
    with pytest.raises(InputError, match=r"1\.parquet: cannot be read after line"):
        list(Corpus(tmp_path).documents())


@pytest.mark.parametrize("compression", ["gzip", "zstd", "bzip2", "xz"])
def test_blank_lines_that_never_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compression: str) -> None:
    """They make no document, so that only the decompressed bytes count."""
    lines = b"\n" * (16 * MIB)
    modules = {"gzip": gzip, "zstd": zstd_module(), "bzip2": bz2, "xz": lzma}
    path = tmp_path / "a.jsonl.x"
    path.write_bytes(modules[compression].compress(lines) + modules[compression].compress(b'{"text": "end"}'))
    (document,) = Corpus(path, format="jsonl").documents()
    assert document.text == "end"
    monkeypatch.setattr(corpus_documents, "MAX_RATIO", 100)
    monkeypatch.setattr(corpus_documents, "MAX_EXCESS_BYTES", MIB)
    with pytest.raises(InputError, match=f"bytes of {compression} data stand for more than 100 times"):
        list(Corpus(path, format="jsonl").documents())


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
