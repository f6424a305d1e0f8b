"""Altered files of every format: documents, or the errors of an unreadable input, and nothing else."""

from __future__ import annotations

import bz2
import gzip
import importlib
import io
import json
import lzma
import random
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
import pytest

from infgram.corpus import Corpus, TokenCorpus, TokenLines
from infgram.corpus.sources.decompression import zstd_module
from infgram.errors import InputError, StorageError
from tests.fuzzing import altered, fuzz

pa: Any = importlib.import_module("pyarrow")
pq: Any = importlib.import_module("pyarrow.parquet")

TEXTS: Final = ["a rose is a rose", "", "caf\u00e9 \U0001f600", "x" * 3000, "the end\n"]
ROWS: Final = [
    {"text": text, "number": number, "list": [number, None], "inner": {"key": "a"}} for number, text in enumerate(TEXTS)
]
IDS: Final = np.array([1, 2, 3, 9, 1, 2, 9, 9, 4], dtype=np.uint16)


def parquet(**options: Any) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(ROWS * 20), file, **options)
    return file.getvalue()


def arrow(new: Callable[..., Any], compression: str | None) -> bytes:
    file = io.BytesIO()
    table = pa.Table.from_pylist(ROWS)
    with new(file, table.schema, options=pa.ipc.IpcWriteOptions(compression=compression)) as writer:
        writer.write_table(table)
    return file.getvalue()


def npy() -> bytes:
    file = io.BytesIO()
    np.save(file, IDS)
    return file.getvalue()


LINES: Final = "".join(json.dumps(row) + "\n" for row in ROWS).encode()
CSV: Final = b'text,by\n"one, two",me\n"a ""quoted"" word",you\n"two\nlines",x\n'
MEGATRON: Final = (
    b"MMIDIDX\x00\x00"
    + struct.pack("<QBQQ", 1, 8, 2, 3)
    + np.array([5, 4], "<i4").tobytes()
    + np.array([0, 10], "<i8").tobytes()
    + np.array([0, 1, 2], "<i8").tobytes()
)
TEXT_FILES: Final[dict[str, bytes]] = {
    "a.jsonl": LINES,
    "a.json": json.dumps(ROWS).encode(),
    "b.json": json.dumps(ROWS[0], indent=1).encode() * 3,
    "a.csv": CSV,
    "a.tsv": CSV.replace(b",", b"\t"),
    "a.txt": "".join(TEXTS).encode(),
    "part-0": LINES,
    "a.jsonl.gz": gzip.compress(LINES, mtime=0) * 2,
    "a.jsonl.zst": zstd_module().compress(LINES) * 2,
    "a.jsonl.bz2": bz2.compress(LINES) * 2,
    "a.jsonl.xz": lzma.compress(LINES) * 2,
    "a.parquet": parquet(compression="zstd", row_group_size=30),
    "b.parquet": parquet(use_dictionary=False, data_page_version="2.0", write_page_checksum=True),
    "a.arrow": arrow(pa.ipc.new_file, None),
    "b.arrow": arrow(pa.ipc.new_stream, "zstd"),
    "c.arrow": arrow(pa.ipc.new_stream, "lz4"),
    "a.lz4": b"\x04\x22\x4d\x18" + LINES,
    "a.npz": b"PK\x03\x04" + npy(),
}
STATE: Final = json.dumps({"_data_files": [{"filename": "data.arrow"}], "_fingerprint": "0", "_split": None}).encode()
ALLOWED: Final = (InputError, StorageError)


def read_text_file(folder: Path) -> Callable[[random.Random], None]:
    def target(numbers: random.Random) -> None:
        name = numbers.choice(list(TEXT_FILES))
        path = folder / name
        data = TEXT_FILES[name]
        # pyarrow 26 aborts the process for some altered footers, in RowGroupMetaData.column, which catches no error.
        end = len(data) - 8 - int.from_bytes(data[-8:-4], "little") if name.endswith(".parquet") else len(data)
        path.write_bytes(altered(data[:end], numbers) + data[end:])
        try:
            list(Corpus(path, on_error="skip").documents())
        finally:
            list(Corpus(path).documents())

    return target


def read_saved_dataset(folder: Path) -> Callable[[random.Random], None]:
    def target(numbers: random.Random) -> None:
        files = {"data.arrow": TEXT_FILES["b.arrow"], "state.json": STATE, "dataset_info.json": b"{}"}
        chosen = numbers.choice(["data.arrow", "state.json"])
        for name, data in files.items():
            (folder / name).write_bytes(altered(data, numbers) if name == chosen else data)
        list(Corpus(folder, on_error="skip").documents())

    return target


def read_token_files(folder: Path) -> Callable[[random.Random], None]:
    def target(numbers: random.Random) -> None:
        shutil.rmtree(folder)
        folder.mkdir()
        kind = numbers.randrange(4)
        if kind == 3:
            (folder / "a.jsonl").write_bytes(altered(b'{"text": [1, 2, 3], "id": 1}\n' * 3, numbers))
            list(TokenLines(folder, field="text").items())
            return
        if kind == 0:
            (folder / "a.npy").write_bytes(altered(npy(), numbers))
        else:
            (folder / "a.bin").write_bytes(altered(IDS.tobytes(), numbers) if kind == 1 else IDS.tobytes())
            (folder / "a.idx").write_bytes(altered(MEGATRON, numbers) if kind == 2 else MEGATRON)
        for batch_tokens in (2, 1 << 20):
            list(TokenCorpus(folder, vocab_size=10, end_of_text=9).batches(batch_tokens))

    return target


TARGETS: Final = (read_text_file, read_saved_dataset, read_token_files)


NewTarget: TypeAlias = Callable[[Path], Callable[[random.Random], None]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "corpus"
    path.mkdir()
    return path


@pytest.mark.parametrize("new", TARGETS)
def test_altered_files(folder: Path, new: NewTarget, record_property: Callable[[str, object], None]) -> None:
    record_property("tried", fuzz(new(folder), ALLOWED, n=1500))


@pytest.mark.torture
@pytest.mark.parametrize("new", TARGETS)
def test_altered_files_for_long(
    folder: Path, new: NewTarget, budget_s: float, record_property: Callable[[str, object], None]
) -> None:
    record_property("tried", fuzz(new(folder), ALLOWED, seconds=budget_s))


def test_the_files_are_valid(tmp_path: Path) -> None:
    for name, data in TEXT_FILES.items():
        (tmp_path / name).write_bytes(data)
        if not name.endswith((".lz4", ".npz")):
            assert list(Corpus(tmp_path / name).documents()), name
    (tmp_path / "a.bin").write_bytes(IDS.tobytes())
    (tmp_path / "a.idx").write_bytes(MEGATRON)
    assert [batch.lengths.tolist() for batch in TokenCorpus(tmp_path / "a.idx", vocab_size=10).batches()] == [[5, 4]]
