"""Commands show the sources of documents, and filter by them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import infgram
from tests.cli.running import run


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "in" / "lang=en").mkdir(parents=True)
    rows = [{"data": {"text": "to be", "n": 1}}, {"data": {"text": "or not to be"}}]
    lines = "\n\n".join(json.dumps(row) for row in rows)
    (tmp_path / "in" / "lang=en" / "a.jsonl").write_text(lines)
    (tmp_path / "in" / "b.txt").write_text("to be or not")
    (tmp_path / "in" / "c.jsonl").write_text('{"data.text": "to be", "data": {"text": 3}}')
    infgram.build(tmp_path / "in", tmp_path / "x", tokenizer="bytes", text_field="data.text").close()
    return tmp_path / "x"


def test_document(path: Path) -> None:
    found = run("document", path, 3, "--json").json
    assert (found["source"], found["line"], found["metadata"]) == ("lang=en/a.jsonl", 3, {"lang": "en"})
    assert "lang=en/a.jsonl:3  lang=en" in run("document", path, 3).stderr
    assert run("document", path, 1, "--json").json["metadata"] == {"data": {"text": 3}}
    text_file = run("document", path, 0, "--json").json
    assert (text_file["source"], text_file["line"]) == ("b.txt", None)
    assert "path=b.txt" in run("document", path, 0).stderr


def test_search(path: Path) -> None:
    found = run("search", path, "to be", "--where", "source=lang=en/a.jsonl", "--where", "line=3", "--json").json
    assert [(hit["source"], hit["line"]) for hit in found["documents"]] == [("lang=en/a.jsonl", 3)]
    assert "document 3  lang=en/a.jsonl:3" in run("search", path, "to be", "--where", "lang=en").stdout
    assert run("search", path, "to be", "--where", "source=b.txt", "--json").json["document_count"] == 1


def test_dedup(path: Path, tmp_path: Path) -> None:
    assert run("dedup", path, "-o", tmp_path / "o.jsonl").code == 0
    rows = [json.loads(line) for line in (tmp_path / "o.jsonl").read_text().splitlines()]
    assert rows[0] == {"text": "to be or not", "path": "b.txt"}
    assert rows[3] == {"text": "or not to be", "lang": "en", "source": "lang=en/a.jsonl", "line": 3}


def test_a_report_is_a_folder(path: Path, tmp_path: Path) -> None:
    text = tmp_path / "in" / "b.txt"
    refused = run("eval", path, text, "-o", tmp_path / "report.html")
    assert refused.code == 3
    assert "a report is a folder" in refused.stderr
