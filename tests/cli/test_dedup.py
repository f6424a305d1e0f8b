"""`infgram dedup` prints and writes the results of the library."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import infgram
from tests.cli.running import is_one_error_line, run

TEXTS = ["the same passage, twice", "", "and the same passage, thrice", "the same passage"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    lines = [json.dumps({"text": text, "number": number}) for number, text in enumerate(TEXTS)]
    (tmp_path / "c.jsonl").write_text("\n".join(lines))
    infgram.build(tmp_path / "c.jsonl", tokenizer="bytes").close()
    return tmp_path / "c.infgram"


def test_totals(path: Path) -> None:
    expected = {
        "n_documents": 4,
        "n_tokens": sum(map(len, TEXTS)),
        "n_duplicate_tokens": len("the same passage, t" + "the same passage"),
        "n_spans": 2,
        "n_documents_with_duplicates": 2,
        "min_tokens": 10,
        "output": None,
    }
    assert run("dedup", path, "--min-tokens", 10, "--json").json == expected
    said = run("dedup", path, "--min-tokens", 10, "-q").stdout
    assert said == "duplicate: 35 of 67 tokens (52.2%), in 2 spans of 10 tokens or more, in 2 of 4 documents\n"
    assert run("dedup", path, "--json").json["n_spans"] == 0


@pytest.mark.parametrize("words", [(), ("--ranges",), ("--text-field", "body", "--threads", "1")])
def test_files(path: Path, tmp_path: Path, words: tuple[str, ...]) -> None:
    output, expected = tmp_path / "o.jsonl", tmp_path / "e.jsonl"
    with infgram.open(path) as index:
        found = infgram.dedup(index, min_tokens=10)
        content, field = ("ranges", "text") if "--ranges" in words else ("documents", words[1] if words else "text")
        infgram.write_dedup(index, found, expected, content=content, text_field=field)  # type: ignore[arg-type]
    assert run("dedup", path, "-o", output, "--min-tokens", 10, "--json", *words).json["output"] == str(output)
    assert output.read_text() == expected.read_text()
    refused = run("dedup", path, "-o", output, *words)
    assert refused.code == 4
    assert is_one_error_line(refused.stderr)
    assert "--overwrite" in refused.stderr
    assert run("dedup", path, "-o", output, "--overwrite", "--min-tokens", 10, *words).code == 0
    assert output.read_text() == expected.read_text()


def test_wrong_command_lines(path: Path, tmp_path: Path) -> None:
    for words in (["--min-tokens", "0"], ["--ranges"], ["--overwrite"], ["--threads", "0"]):
        assert run("dedup", path, *words).code == 2
    assert run("dedup", path, "-o", tmp_path / "o.jsonl", "--text-field", "number").code == 3
    assert run("dedup", path, "-o", tmp_path / "o.jsonl", "--timeout", "-1").code == 3
    over = run("dedup", path, "-o", tmp_path / "o.jsonl", "--timeout", "1e-9")
    assert over.code == 6
    assert "time limit" in over.stderr
    assert not (tmp_path / "o.jsonl").exists()


def test_an_index_of_token_ids(tmp_path: Path) -> None:
    with infgram.build_from_tokens([[1, 2, 3], [1, 2, 3]], tmp_path / "x", vocab_size=5):
        assert run("dedup", tmp_path / "x", "--min-tokens", 3, "-o", tmp_path / "o.jsonl").code == 0
    assert (tmp_path / "o.jsonl").read_text() == '{"token_ids": [1, 2, 3]}\n{"token_ids": []}\n'
