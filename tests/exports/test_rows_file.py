"""A file of rows is written atomically, in the format of its suffix."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import infgram
from infgram.exports.rows_file import rows_file

ROWS: list[dict[str, Any]] = [
    {"text": "naïve ∞", "year": 2024, "tags": ["a", "b"], "of": {"x": 1}},
    {"text": "", "year": 2024.5},
    *({"text": str(number), "late": number} for number in range(3000)),
]


def zstd_decompress(data: bytes) -> bytes:
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    return bytes(zstd.decompress(data))


def write(path: Path, rows: list[dict[str, Any]], *, overwrite: bool = False) -> None:
    with rows_file(path, overwrite=overwrite) as write_row:
        for row in rows:
            write_row(row)


@pytest.mark.parametrize(
    ("name", "magic", "plain"),
    [
        ("x.jsonl", b'{"', bytes),
        ("x.NDJSON", b'{"', bytes),
        ("x.jsonl.gz", b"\x1f\x8b", gzip.decompress),
        ("x.jsonl.zst", b"\x28\xb5\x2f\xfd", zstd_decompress),
        ("x.jsonl.bz2", b"BZh", bz2.decompress),
        ("x.ndjson.xz", b"\xfd7zXZ\x00", lzma.decompress),
    ],
)
def test_lines_in_the_format_of_the_suffix(
    tmp_path: Path, name: str, magic: bytes, plain: Callable[[bytes], bytes]
) -> None:
    write(tmp_path / name, ROWS)
    content = (tmp_path / name).read_bytes()
    assert content.startswith(magic)
    assert [json.loads(line) for line in plain(content).decode("utf-8").splitlines()] == ROWS
    write(tmp_path / name, ROWS, overwrite=True)
    assert (tmp_path / name).read_bytes() == content


def test_parquet(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs pyarrow")
    write(tmp_path / "x.parquet", ROWS)
    found = parquet.read_table(tmp_path / "x.parquet").to_pylist()
    names = ["text", "year", "tags", "of", "late"]
    assert found == [{name: row.get(name) for name in names} for row in ROWS]


def test_an_empty_object_is_null_in_parquet(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs pyarrow")
    rows: list[dict[str, Any]] = [
        {"a": {}, "b": [{}], "c": {"d": {}, "e": 1}, "f": {}},
        {"a": {}, "b": [], "c": {"e": 2}, "f": {"g": 1}},
    ]
    write(tmp_path / "x.parquet", rows)
    assert parquet.read_table(tmp_path / "x.parquet").to_pylist() == [
        {"a": None, "b": [None], "c": {"d": None, "e": 1}, "f": None},
        {"a": None, "b": [], "c": {"d": None, "e": 2}, "f": {"g": 1}},
    ]


@pytest.mark.parametrize(
    "rows", [[{"a": 1}, {"a": "x"}], [*({"a": 1} for _ in range(1024)), {"a": "x"}], [{"a": 1 << 70}]]
)
def test_rows_with_different_columns(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    pytest.importorskip("pyarrow.parquet", reason="needs pyarrow")
    with pytest.raises(infgram.QueryError, match=r"the field 'a' cannot be written.*jsonl\.zst"):
        write(tmp_path / "x.parquet", rows)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["x", "x.json", "x.csv", "x.gz", "x.jsonl.lz4", "x.parquet.gz"])
def test_an_unknown_suffix_lists_the_known_ones(tmp_path: Path, name: str) -> None:
    with pytest.raises(infgram.QueryError, match=r"\.jsonl or \.ndjson, optionally followed by \.gz, .*\.parquet"):
        write(tmp_path / name, ROWS)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_no_file(tmp_path: Path) -> None:
    for name in ("x.jsonl.gz", "x.parquet"):
        with pytest.raises(TypeError, match="set is not JSON"):
            write(tmp_path / name, [ROWS[0], {"text": {1, 2}}])
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_is_only_a_suffix(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="needs pyarrow")
    write(tmp_path / ".parquet", [{"text": "a"}])
    assert (tmp_path / ".parquet").read_bytes().startswith(b"PAR1")
    write(tmp_path / ".jsonl.gz", [{"text": "a"}])
    assert gzip.decompress((tmp_path / ".jsonl.gz").read_bytes()) == b'{"text": "a"}\n'
