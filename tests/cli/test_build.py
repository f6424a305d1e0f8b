"""`infgram build`: what it writes, what it says, and that it leaves nothing when it fails."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import infgram
from infgram.cli.build import token_number
from tests.cli.running import run


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Two documents that can be read, and one that cannot."""
    folder = tmp_path / "corpus"
    folder.mkdir()
    (folder / "a.txt").write_text("to be or not to be", encoding="utf-8")
    (folder / "b.md").write_text("to be", encoding="utf-8")
    (folder / "c.txt").write_bytes(b"\xff\xfe")
    return folder


def test_build(corpus: Path, tmp_path: Path) -> None:
    (corpus / "c.txt").unlink()
    built = run("build", corpus, "--tokenizer", "bytes", "--threads", 1, "--json").json
    assert built["path"] == str(tmp_path / "corpus.infgram")
    assert (built["n_documents"], built["n_tokens"], built["skipped"]) == (2, 23, [])
    assert built["elapsed_s"] >= 0
    with infgram.open(tmp_path / "corpus.infgram") as index:
        assert index.count("to be") == 3
        assert {name: built[name] for name in index.info()} == index.info()


def test_options_reach_the_library(tmp_path: Path) -> None:
    lines = tmp_path / "x.jsonl"
    lines.write_text("".join(json.dumps({"body": "abc", "n": n}) + "\n" for n in range(6)), encoding="utf-8")
    options = ("--tokenizer", "bytes", "--text-field", "body", "--shard-tokens", "6", "--output", tmp_path / "y")
    assert run("build", lines, *options, "--json").json["n_shards"] == 3
    with infgram.open(tmp_path / "y") as index:
        assert index.document(4).metadata == {"n": 4}


def test_the_default_tokenizer_says_how_to_choose_another(corpus: Path) -> None:
    (corpus / "c.txt").unlink()
    first = run("build", corpus)
    assert first.stderr.count("--tokenizer path/to/tokenizer.json") == 1
    assert "2 documents" in first.stdout
    assert "corpus.infgram" in first.stdout
    assert "--tokenizer" not in run("build", corpus, "--overwrite", "--tokenizer", "bytes").stderr
    silent = run("build", corpus, "--overwrite", "--quiet")
    assert (silent.stdout, silent.stderr) == ("", "")


def test_input_that_cannot_be_read(corpus: Path, tmp_path: Path) -> None:
    refused = run("build", corpus, "--tokenizer", "bytes")
    assert refused.code == 3
    assert "c.txt" in refused.stderr
    assert "--on-error skip" in refused.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["corpus"]
    built = run("build", corpus, "--tokenizer", "bytes", "--on-error", "skip", "--json").json
    assert [(entry["source"], entry["line"]) for entry in built["skipped"]] == [("c.txt", None)]
    shown = run("build", corpus, "--tokenizer", "bytes", "--on-error", "skip", "--overwrite").stdout
    assert "left out, because it cannot be read: 1 piece of input" in shown
    assert "  c.txt: not UTF-8" in shown


def test_many_skipped_inputs_are_not_all_listed(corpus: Path) -> None:
    for number in range(20):
        (corpus / f"bad{number:02}.txt").write_bytes(b"\xff")
    shown = run("build", corpus, "--tokenizer", "bytes", "--on-error", "skip").stdout
    assert "21 pieces of input" in shown
    assert "and 16 more" in shown


def test_an_index_is_replaced_only_on_demand(corpus: Path, tmp_path: Path) -> None:
    (corpus / "c.txt").unlink()
    assert run("build", corpus, "--tokenizer", "bytes").code == 0
    refused = run("build", corpus, "--tokenizer", "bytes")
    assert refused.code == 4
    assert "--overwrite" in refused.stderr
    assert run("build", corpus, "--tokenizer", "bytes", "--overwrite").code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["corpus", "corpus.infgram"]


@pytest.mark.parametrize(
    ("text", "tokens"), [("5e9", 5_000_000_000), ("5_000_000", 5_000_000), ("1", 1), ("1.5e3", 1500), (" 7 ", 7)]
)
def test_numbers_of_tokens(text: str, tokens: int) -> None:
    assert token_number(text) == tokens


@pytest.mark.parametrize("text", ["", "0", "-5", "0.5", "nan", "inf", "1e99", "many", "5GB"])
def test_what_is_no_number_of_tokens(corpus: Path, text: str) -> None:
    refused = run("build", corpus, f"--shard-tokens={text}")
    assert refused.code == 2
    assert "5_000_000" in refused.stderr
