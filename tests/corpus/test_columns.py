"""Parquet and Arrow files: one document per row, JSON values of each type, and damaged files."""

from __future__ import annotations

import importlib
import json
import random
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from infgram.corpus import Corpus
from infgram.errors import InputError, MissingExtraError

pa: Any = importlib.import_module("pyarrow")
pq: Any = importlib.import_module("pyarrow.parquet")


def write_parquet(path: Path, table: Any) -> None:
    pq.write_table(table, path, row_group_size=100, write_page_checksum=True)


def write_stream(path: Path, table: Any) -> None:
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, table.schema) as writer:
        writer.write_table(table, max_chunksize=100)


def write_file(path: Path, table: Any) -> None:
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table, max_chunksize=100)


WRITERS: dict[str, tuple[str, Callable[[Path, Any], None]]] = {
    "parquet": ("a.parquet", write_parquet),
    "stream": ("a.arrow", write_stream),
    "file": ("a.arrow", write_file),
}


@pytest.fixture(params=WRITERS)
def write(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Any], Path]:
    name, writer = WRITERS[request.param]

    def write_table(table: Any) -> Path:
        writer(tmp_path / name, table)
        return tmp_path / name

    return write_table


Write = Callable[[Any], Path]


def test_rows_become_documents_over_row_groups_and_batches(write: Write) -> None:
    texts = [f"text {i} é" for i in range(1000)]
    corpus = Corpus(write(pa.table({"id": range(1000), "text": texts})))
    found = list(corpus.documents())
    assert [document.text for document in found] == texts
    assert [document.line for document in found] == [*range(1, 1001)]
    assert found[7].metadata == {"id": 7}
    assert corpus.bytes_read == corpus.n_bytes
    assert list(corpus.documents()) == found


VALUES: list[tuple[Any, Any]] = [
    (pa.array([None]), None),
    (pa.array([True]), True),
    (pa.array([2**64 - 1], pa.uint64()), 2**64 - 1),
    (pa.array([-(2**63)]), -(2**63)),
    (pa.array([0.1]), 0.1),
    (pa.array([0.5], pa.float32()), 0.5),
    (pa.array([float("nan")]), None),
    (pa.array([float("-inf")]), None),
    (pa.array([Decimal("-12.50")]), "-12.50"),
    (pa.array([Decimal("1E+3")], pa.decimal128(10, 2)), "1000.00"),
    (pa.array(["é"], pa.large_string()), "é"),
    (pa.array(["x"]).dictionary_encode(), "x"),
    (pa.array([b"\xff"]), "/w=="),
    (pa.array([b"ab"], pa.binary(2)), "YWI="),
    (pa.array([date(2024, 1, 31)]), "2024-01-31"),
    (pa.array([1], pa.time64("us")), "00:00:00.000001"),
    (pa.array([-1], pa.timestamp("s")), "1969-12-31T23:59:59"),
    (pa.array([1_500], pa.timestamp("ms")), "1970-01-01T00:00:01.500"),
    (pa.array([-1], pa.timestamp("ns")), "1969-12-31T23:59:59.999999999"),
    (pa.array([0], pa.timestamp("us", tz="Europe/Paris")), "1970-01-01T00:00:00.000000Z"),
    (pa.array([1_500], pa.duration("ms")), 1_500),
    (pa.array([[1.5, None, float("nan")]]), [1.5, None, None]),
    (pa.array([[1.0, 2.0]], pa.list_(pa.float32(), 2)), [1.0, 2.0]),
    (pa.array([[0]], pa.list_(pa.timestamp("ns"))), ["1970-01-01T00:00:00.000000000"]),
    (pa.array([{"a": b"x", "b": ["s", None]}]), {"a": "eA==", "b": ["s", None]}),
    (pa.array([[("k", 1.5)]], pa.map_(pa.string(), pa.float64())), [["k", 1.5]]),
]


@pytest.mark.parametrize(("column", "expected"), VALUES, ids=lambda value: str(getattr(value, "type", "")))
def test_each_type_has_its_json_value(tmp_path: Path, column: Any, expected: Any) -> None:
    write_stream(tmp_path / "a.arrow", pa.table({"text": ["x"], "x": column}))
    (document,) = Corpus(tmp_path / "a.arrow").documents()
    assert repr(document.metadata) == repr({"x": expected})
    assert json.loads(json.dumps(document.metadata, allow_nan=False)) == {"x": expected}


def test_texts_of_other_types(write: Write) -> None:
    for column in (pa.array(["é"], pa.large_string()), pa.array(["é"]).dictionary_encode(), pa.array(["é".encode()])):
        (document,) = Corpus(write(pa.table({"text": column}))).documents()
        assert document.text == "é"


def test_rows_that_are_not_documents(write: Write) -> None:
    not_utf8 = pa.array([b"a", b"a\xff", b"c"], pa.binary())
    for column, reason in (
        (pa.array(["a", None, "c"]), "field 'text' is null, expected a string"),
        (not_utf8, "column 'text': not UTF-8 text: byte 0xff at byte offset 1"),
    ):
        path = write(pa.table({"text": column}))
        with pytest.raises(InputError, match=f"line 2: {reason}"):
            list(Corpus(path).documents())
        corpus = Corpus(path, on_error="skip")
        assert [document.line for document in corpus.documents()] == [1, 3]
        assert [skipped.line for skipped in corpus.skipped] == [2]


def test_a_text_that_is_too_long(write: Write) -> None:
    path = write(pa.table({"text": ["a", "b" * 100]}))
    with pytest.raises(InputError, match="line 2: a text of 100 characters, expected at most 99"):
        list(Corpus(path, longest_document_bytes=99).documents())


def test_a_timestamp_beyond_the_calendar(tmp_path: Path) -> None:
    write_stream(tmp_path / "a.arrow", pa.table({"text": ["x"], "x": pa.array([2**60], pa.timestamp("s"))}))
    with pytest.raises(InputError, match="line 1: column 'x': a timestamp"):
        list(Corpus(tmp_path / "a.arrow").documents())


def test_invalid_columns(write: Write) -> None:
    path = write(pa.table({"body": ["x"], "id": [1]}))
    with pytest.raises(InputError, match=r"no column 'text'.*this file has the columns 'body', 'id'"):
        list(Corpus(path).documents())
    with pytest.raises(InputError, match="none of the 1 lines or tables"):
        list(Corpus(path, on_error="skip").documents())
    assert [document.text for document in Corpus(path, text_field="body").documents()] == ["x"]
    with pytest.raises(InputError, match="field 'id' is a number"):
        list(Corpus(path, text_field="id").documents())


def test_a_type_without_json_value(tmp_path: Path) -> None:
    intervals = pa.array([(1, 2, 3)], pa.month_day_nano_interval())
    write_stream(tmp_path / "a.arrow", pa.table({"text": ["x"], "x": intervals}))
    with pytest.raises(
        InputError, match="the column 'x' has the type month_day_nano_interval, which has no JSON equivalent"
    ):
        list(Corpus(tmp_path / "a.arrow").documents())


def noise(n: int) -> Any:
    numbers = random.Random(1)
    return pa.table({"text": [numbers.randbytes(20).hex() for _ in range(n)]})


def test_a_truncated_file_is_an_error(write: Write) -> None:
    path = write(noise(500))
    whole = path.read_bytes()
    for n_bytes in [*range(0, len(whole), 997), len(whole) - 1, len(whole) - 8]:
        path.write_bytes(whole[:n_bytes])
        with pytest.raises(InputError, match="cannot be read"):
            list(Corpus(path).documents())


def test_a_stream_truncated_between_batches_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.arrow"
    write_stream(path, noise(500))
    path.write_bytes(path.read_bytes()[:-8])  # the end marker
    with pytest.raises(InputError, match="truncated Arrow data: the mark"):
        list(Corpus(path).documents())


def test_an_altered_parquet_page_with_checksum_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write_parquet(path, noise(500))
    whole = path.read_bytes()
    for place in range(100, len(whole) // 2, 1501):
        altered = bytearray(whole)
        altered[place] ^= 0x10
        path.write_bytes(altered)
        with pytest.raises(InputError, match="cannot be read"):
            list(Corpus(path).documents())


@pytest.mark.parametrize("name", ["a.parquet", "a.arrow"])
def test_without_pyarrow_the_extra_is_named_before_anything_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (tmp_path / name).write_bytes(b"whatever")
    for module in ("pyarrow", "pyarrow.parquet"):
        monkeypatch.setitem(__import__("sys").modules, module, None)
    with pytest.raises(MissingExtraError, match=r"without the package pyarrow.*pip install 'infgram\[parquet\]'"):
        Corpus(tmp_path, on_error="skip")
