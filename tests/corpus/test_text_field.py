"""The text inside objects: selected by dots; a field with exactly that name has priority."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from infgram.corpus import Corpus
from infgram.errors import InputError


def documents(path: Path, field: str) -> list[tuple[str, dict[str, Any]]]:
    return [(document.text, document.metadata) for document in Corpus(path, text_field=field).documents()]


@pytest.mark.parametrize(
    ("record", "text", "metadata"),
    [
        ({"data": {"text": "a", "n": 1}, "id": 2}, "a", {"data": {"n": 1}, "id": 2}),
        ({"data": {"text": "a"}, "id": 2}, "a", {"id": 2}),
        ({"data.text": "literal", "data": {"text": "a"}}, "literal", {"data": {"text": "a"}}),
    ],
)
def test_objects(tmp_path: Path, record: dict[str, Any], text: str, metadata: dict[str, Any]) -> None:
    (tmp_path / "x.jsonl").write_text(json.dumps(record))
    assert documents(tmp_path / "x.jsonl", "data.text") == [(text, metadata)]


def test_the_deepest(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text('{"a": {"b.c": {"d": "x"}, "b": {"c": 1}}}')
    assert documents(tmp_path / "x.jsonl", "a.b.c.d") == [("x", {"a": {"b": {"c": 1}}})]


@pytest.mark.parametrize("line", ['{"data": {"body": "a"}}', '{"data": "text"}', '{"data": null}', '{"data": [1]}'])
def test_missing_fields(tmp_path: Path, line: str) -> None:
    (tmp_path / "x.jsonl").write_text(line)
    with pytest.raises(InputError, match=r"no field 'data\.text'.*this line has the fields 'data"):
        documents(tmp_path / "x.jsonl", "data.text")


def test_the_fields_of_objects_are_listed_as_they_are_named(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text('{"data": {"body": "a", "n": 1}, "id": 1}')
    with pytest.raises(InputError, match=r"the fields 'data\.body', 'data\.n', 'id'"):
        documents(tmp_path / "x.jsonl", "text")


def test_cells_are_not_objects(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text('data\n"{""text"": 1}"\n')
    with pytest.raises(InputError, match=r"no column 'data\.text'"):
        documents(tmp_path / "x.csv", "data.text")


def test_struct_columns(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow", reason="needs pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs pyarrow")
    path = tmp_path / "x.parquet"
    parquet.write_table(pa.table({"data": [{"text": "a", "n": 1}, {"text": "b", "n": None}]}), path)
    assert documents(path, "data.text") == [("a", {"data": {"n": 1}}), ("b", {"data": {"n": None}})]
    with pytest.raises(InputError, match=r"no column 'data\.body'.*'data\.text', 'data\.n'"):
        documents(path, "data.body")
    parquet.write_table(pa.table({"data": [{"text": b"a"}]}), path)
    with pytest.raises(InputError, match=r"'data\.text' holds bytes, expected strings"):
        documents(path, "data.text")
    parquet.write_table(pa.table({"data": [{"text": "a"}, None]}), path)
    with pytest.raises(InputError, match=r"line 2: no field 'data\.text'"):
        documents(path, "data.text")
