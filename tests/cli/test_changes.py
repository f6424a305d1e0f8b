"""add, delete and compact print what the library did; errors have their exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import infgram
from tests.cli.running import Outcome, is_one_error_line, run


@pytest.fixture
def path(tmp_path: Path) -> Path:
    corpus = tmp_path / "a.jsonl"
    corpus.write_text("".join(f"{json.dumps(row)}\n" for row in rows(0, 5)))
    infgram.build(corpus, tmp_path / "x", tokenizer="bytes").close()
    return tmp_path / "x"


def rows(begin: int, end: int) -> list[dict[str, Any]]:
    return [{"text": f"to be {number}", "id": f"d{number}", "n": number % 2} for number in range(begin, end)]


def check_error(found: Outcome, code: int, message: str) -> None:
    assert found.code == code
    assert is_one_error_line(found.stderr)
    assert message in found.stderr


def test_add(path: Path, tmp_path: Path) -> None:
    more = tmp_path / "more.jsonl"
    more.write_text("".join(f"{json.dumps(row)}\n" for row in [*rows(5, 7), {"text": None}]))
    check_error(run("add", path, more), 3, "more.jsonl")
    found = run("add", path, more, "--on-error", "skip")
    assert found.code == 0, found.stderr
    assert found.stdout.startswith("added 2 documents, 14 tokens, ")
    assert ": numbers 5 to 6\n" in found.stdout
    assert f"index: {path}, generation 1\nskipped 1 piece of input" in found.stdout
    more.write_text(json.dumps(rows(7, 8)[0]))
    added = run("add", path, more, "--json", "--shard-tokens", "1e6", "--threads", 1, "--memory", "1GiB").json
    assert added.pop("elapsed_s") >= 0
    expected = {"generation": 2, "first_document": 7, "n_documents": 1, "n_tokens": 7, "skipped": []}
    assert added == {"path": str(path), **expected}
    assert run("count", path, "to be", "--json").json["count"] == 8


def test_add_token_ids(tmp_path: Path) -> None:
    infgram.build_from_tokens([[1, 2]], tmp_path / "x", vocab_size=300).close()
    (tmp_path / "ids.bin").write_bytes(bytes([1, 0, 2, 0, 3, 0]))
    words = ("--vocab-size", 300, "--dtype", "uint16")
    found = run("add", tmp_path / "x", tmp_path / "ids.bin", *words)
    assert "added 1 document, 3 tokens" in found.stdout
    assert ": number 1\n" in found.stdout
    assert run("add", tmp_path / "x", tmp_path / "ids.bin", "--dtype", "uint16").code == 2
    assert run("add", tmp_path / "x", tmp_path / "ids.bin", "--vocab-size", 300, "--format", "text").code == 2
    check_error(run("add", tmp_path / "x", tmp_path / "ids.bin", "--vocab-size", 301), 3, "300")


def test_delete(path: Path, tmp_path: Path) -> None:
    found = run("delete", path, "--id", "d1", "--id", "none")
    assert found.stdout.startswith("deleted 1 document, 7 tokens, ")
    assert found.stdout.endswith(f"index: {path}, generation 1\n")
    assert "warning: not found: none\n" in found.stderr
    assert "note: their text stays on the disk until: infgram compact INDEX\n" in found.stderr
    ids = tmp_path / "ids.txt"
    ids.write_text("\nd3\n d4 \n")
    found = run("delete", path, "--ids-from", ids, "--purge")
    assert found.stdout.startswith("deleted 2 documents")
    assert "text stays" not in found.stderr
    deleted = run("delete", path, "--where", "n=0", "--where", "id=d0", "--json").json
    assert deleted.pop("elapsed_s") >= 0
    counts = {"generation": 3, "n_documents": 1, "n_tokens": 7, "not_found": [], "is_purged": False}
    assert deleted == {"path": str(path), **counts}
    assert run("delete", path, "--document", 2, "--quiet").stdout == ""
    assert run("delete", path, "--ids-from", "-", stdin="d0\n").code == 3


def test_what_delete_refuses(path: Path, tmp_path: Path) -> None:
    for several in (("--id", "x", "--document", 99), ()):
        refused = run("delete", path, *several)
        assert refused.code == 2
        assert "name the documents in one way" in refused.stderr
    check_error(run("delete", path, "--id", "x"), 3, "has the id x; nothing was deleted")
    check_error(run("delete", path, "--document", 99), 3, "has the number 99; nothing was deleted")
    check_error(run("delete", tmp_path / "none", "--document", 1), 4, "does not exist")
    check_error(run("delete", "s3://bucket/x", "--document", 1), 3, "cannot be changed in place")
    assert run("delete", path, "--where", "n").code == 2
    assert run("delete", "", "--document", 1).code == 2


def test_compact_and_info(path: Path) -> None:
    assert "generation" not in run("info", path).stdout
    run("delete", path, "--where", "n=1")
    shown = run("info", path).stdout
    assert "generation      1, the number of changes since the build\n" in shown
    assert "deleted         2 documents, 14 tokens, in the files until infgram compact\n" in shown
    found = run("compact", path)
    assert found.stdout.startswith("3 documents, 21 tokens, 1 shard, ")
    assert f"index: {path}, generation 2\n" in found.stdout
    changes: list[tuple[str | Path | int, ...]] = [("add", path, path.parent / "a.jsonl"), ("compact", path)]
    for change in (*changes, ("delete", path, "--document", 0)):
        check_error(run(*change, "--if-generation", 1), 4, "is at generation 2, expected 1; nothing was changed")
    again = run("compact", path, "--if-generation", 2)
    assert again.stdout.startswith("3 documents, 21 tokens, 1 shard, nothing to compact, ")
    assert f"index: {path}, generation 2\n" in again.stdout
    numbers = run("info", path, "--json").json
    assert (numbers["generation"], numbers["n_removed_documents"], numbers["n_removed_tokens"]) == (2, 0, 0)
    compacted = run("compact", path, "--json", "--threads", 1, "--shard-tokens", 10).json
    assert compacted.pop("elapsed_s") >= 0
    assert compacted.pop("freed_bytes") < 0
    contents = {"n_documents": 3, "n_tokens": 21, "n_shards": 2}
    assert compacted == {"path": str(path), "generation": 3, **contents, "is_changed": True}
    assert run("verify", path).code == 0
