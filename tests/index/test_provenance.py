"""The sources of documents: stored for every format, displayed, and used in filters."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

import infgram
from infgram.provenance import folder_fields


def lines(path: Path, rows: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")


def places(index: infgram.Index) -> list[tuple[str | None, int | None]]:
    found = [index.document(number) for number in range(index.n_documents)]
    return [(document.source, document.line) for document in found]


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "corpus"
    lines(folder / "a.jsonl", ['{"text": "one"}', "", '{"text": "two"}', "not JSON", '{"text": "three"}'])
    lines(folder / "b.csv", ["text,n", '"four\nlines\nlong",1', "five,2"])
    lines(folder / "c" / "source=cc" / "year=2024" / "d.jsonl", ['{"text": "six"}', '{"text": "seven", "year": "own"}'])
    lines(folder / "e.txt", ["eight"])
    lines(folder / "f.txt", ["nine"])
    return folder


def test_sources_of_every_format(corpus: Path) -> None:
    hive = "c/source=cc/year=2024/d.jsonl"
    with infgram.build(corpus, tokenizer="bytes", on_error="skip", shard_tokens=20) as index:
        assert places(index) == [
            *(("a.jsonl", line) for line in (1, 3, 5)),
            *(("b.csv", line) for line in (2, 5)),
            *((hive, line) for line in (1, 2)),
            ("e.txt", None),
            ("f.txt", None),
        ]
        assert index.document(5).metadata == {"source": "cc", "year": 2024}
        assert index.document(6).metadata == {"year": "own", "source": "cc"}
        assert index.document(7).metadata == {"path": "e.txt"}
        assert index.document_metadata(6) == {"year": "own", "source": "cc"}
        (hit,) = index.search("five")
        assert (hit.source, hit.line) == ("b.csv", 5)
        (hit,) = index.search_text("FIVE", ignore_case=True)
        assert (hit.source, hit.line) == ("b.csv", 5)
        (traced,) = infgram.trace(index, "seven").documents[:1]
        assert (traced.source, traced.line) == (hive, 2)
        index.verify()


def test_columns(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow", reason="needs pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs pyarrow")
    (tmp_path / "lang=en").mkdir()
    table = pa.table({"data": [{"text": "a", "n": 1}, {"text": "b", "n": 2}], "id": [7, 8]})
    parquet.write_table(table, tmp_path / "lang=en" / "x.parquet")
    with infgram.build(tmp_path / "lang=en", tmp_path / "x", tokenizer="bytes", text_field="data.text") as index:
        assert places(index) == [("x.parquet", 1), ("x.parquet", 2)]
        assert index.document(1).metadata == {"data": {"n": 2}, "id": 8}
    with infgram.build(tmp_path / "lang*/*", tmp_path / "y", tokenizer="bytes", text_field="data.text") as index:
        assert index.document(1).metadata == {"data": {"n": 2}, "id": 8, "lang": "en"}


@pytest.mark.parametrize(
    ("where", "documents"),
    [
        ({"source": "a.jsonl"}, [0, 1, 2]),
        ({"source": "a.jsonl", "line": 3}, [1]),
        ({"source": "cc"}, [5, 6]),
        ({"year": 2024}, [5]),
        ({"year": "own"}, [6]),
        ({"source": "c/source=cc/year=2024/d.jsonl"}, []),
        ({"source": "e.txt"}, [7]),
        ({"line": 1}, [0, 5]),
        ({"line": None}, []),
    ],
)
def test_filters(corpus: Path, where: dict[str, Any], documents: list[int]) -> None:
    with infgram.build(corpus, tokenizer="bytes", on_error="skip") as index:
        found = {hit.document_id for term in "eio" for hit in index.search(term, where=where)}
        assert sorted(found) == documents


def test_metadata_of_folders() -> None:
    assert folder_fields("x.jsonl") == {}
    assert folder_fields("a=1/b=007/c=-3/d=x%20y/=z/e==/f=__HIVE_DEFAULT_PARTITION__/g=h.jsonl") == {
        "a": 1,
        "b": "007",
        "c": -3,
        "d": "x y",
        "e": "=",
        "f": None,
    }


@settings(max_examples=40, deadline=None)
@given(
    files=st.lists(
        st.lists(st.sampled_from(["document", "blank", "bad"]), min_size=1, max_size=9), min_size=1, max_size=5
    ),
    texts=st.booleans(),
    shard_tokens=st.integers(1, 12),
)
def test_line_numbers(
    tmp_path_factory: pytest.TempPathFactory, files: list[list[str]], texts: bool, shard_tokens: int
) -> None:
    """Line numbers are right for any skipped lines and any shards."""
    folder = tmp_path_factory.mktemp("lines")
    content = {"document": '{"text": "ab"}', "blank": "", "bad": "{"}
    expected: list[tuple[str | None, int | None]] = []
    for number, kinds in enumerate(files):
        lines(folder / "in" / f"{number}.jsonl", [content[kind] for kind in kinds])
        expected += [(f"{number}.jsonl", line) for line, kind in enumerate(kinds, 1) if kind == "document"]
        if texts:
            lines(folder / "in" / f"{number}.txt", ["text"])
            expected.append((f"{number}.txt", None))
    if not any("document" in kinds for kinds in files):
        return
    options: dict[str, Any] = {"tokenizer": "bytes", "on_error": "skip", "shard_tokens": shard_tokens}
    with infgram.build(folder / "in", **options) as index:
        assert places(index) == expected
        index.verify()


def test_the_size_of_sources(tmp_path: Path) -> None:
    """There is one run per file of lines and one for all text files, and one name per file of lines."""
    row = json.dumps({"text": "x"})
    lines(tmp_path / "in" / "a.jsonl", [row] * 5000)
    lines(tmp_path / "in" / "b.jsonl", [row] * 5000)
    for number in range(300):
        lines(tmp_path / "in" / "texts" / f"{number}.txt", ["x"])
    with infgram.build(tmp_path / "in", tokenizer="bytes") as index:
        sections = index.info()["sections"]
        frame = 128
        assert sections["sources.bin"]["size_bytes"] == frame + len(b"a.jsonl\0b.jsonl\0\0")
        assert sections["source_runs.bin"]["size_bytes"] == frame + -(-3 * 3 * (10_000).bit_length() // 8)


def test_documents_without_sources(tmp_path: Path) -> None:
    with infgram.build_from_tokens([[1, 2], [3]], tmp_path / "x", vocab_size=4) as index:
        assert places(index) == [(None, None), (None, None)]
        index.verify()
