"""`infgram build`: files, output, and failures."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import infgram
from infgram.cli.input_options import token_number
from tests.cli.running import run, run_process


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Two readable documents, and one that is not."""
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


def test_the_default_tokenizer_notes_how_to_choose_another(corpus: Path) -> None:
    (corpus / "c.txt").unlink()
    first = run("build", corpus)
    assert first.stderr.count("--tokenizer path/to/tokenizer.json") == 1
    assert "2 documents" in first.stdout
    assert "corpus.infgram" in first.stdout
    assert "--tokenizer" not in run("build", corpus, "--overwrite", "--tokenizer", "bytes").stderr
    silent = run("build", corpus, "--overwrite", "--quiet")
    assert (silent.stdout, silent.stderr) == ("", "")


def test_unreadable_input(corpus: Path, tmp_path: Path) -> None:
    refused = run("build", corpus, "--tokenizer", "bytes")
    assert refused.code == 3
    assert "c.txt" in refused.stderr
    assert "--on-error skip" in refused.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["corpus"]
    built = run("build", corpus, "--tokenizer", "bytes", "--on-error", "skip", "--json").json
    assert [(entry["source"], entry["line"]) for entry in built["skipped"]] == [("c.txt", None)]
    shown = run("build", corpus, "--tokenizer", "bytes", "--on-error", "skip", "--overwrite").stdout
    assert "skipped 1 piece of input that cannot be read:" in shown
    assert "  c.txt: cannot be read: UTF-16LE text; convert it to UTF-8" in shown


def test_only_some_skipped_inputs_are_listed(corpus: Path) -> None:
    for number in range(20):
        (corpus / f"bad{number:02}.txt").write_bytes(b"\xff")
    shown = run("build", corpus, "--tokenizer", "bytes", "--on-error", "skip").stdout
    assert "21 pieces of input" in shown
    assert "and 16 more" in shown


def test_an_index_is_replaced_only_with_an_option(corpus: Path, tmp_path: Path) -> None:
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
def test_invalid_numbers_of_tokens(corpus: Path, text: str) -> None:
    refused = run("build", corpus, f"--shard-tokens={text}")
    assert refused.code == 2
    assert "5_000_000" in refused.stderr


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    lines = tmp_path / "x.jsonl"
    lines.write_text("".join(json.dumps({"text": "abc" * n}) + "\n" for n in range(200)), encoding="utf-8")
    options = (lines, "--tokenizer", "bytes", "--dry-run")
    expected = run("build", *options, "--json").json
    shown = run("build", *options).stdout
    assert [path.name for path in tmp_path.iterdir()] == ["x.jsonl"]
    assert (expected["n_documents"], expected["n_tokens"]) == (200, 3 * sum(range(200)))
    assert expected["sampled_bytes"] == expected["input_bytes"] == lines.stat().st_size
    assert f"{expected['n_tokens']:,}" in shown
    built = run("build", lines, "--tokenizer", "bytes", "--json").json
    assert built["size_bytes"] == pytest.approx(expected["disk_bytes"], rel=0.1)


@pytest.mark.parametrize("text", ["2", "1GB", "1.5 GiB", "500MB"])
def test_memory(corpus: Path, text: str) -> None:
    (corpus / "c.txt").unlink()
    outcome = run_process("build", corpus, "--tokenizer", "bytes", "--memory", text, folder=corpus.parent)
    assert (outcome.code, "at least" in outcome.stderr) == ((3, True) if text == "2" else (0, False))


@pytest.mark.parametrize("text", ["", "0", "-1", "many", "1 GG", "1e9"])
def test_invalid_memory(corpus: Path, text: str) -> None:
    refused = run("build", corpus, f"--memory={text}")
    assert refused.code == 2
    assert "2GiB" in refused.stderr


def test_files_of_tokens(tmp_path: Path) -> None:
    np.array([3, 1, 2, 9, 1, 2, 9], dtype="<u2").tofile(tmp_path / "ids.bin")
    options = ("build", tmp_path / "ids.bin", "--dtype", "uint16", "--end-of-text", 9)
    assert run(*options).code == 2
    built = run(*options, "--vocab-size", 9, "--json").json
    assert (built["path"], built["n_documents"], built["tokenizer"]) == (str(tmp_path / "ids.infgram"), 2, None)
    assert run("count", built["path"], "--token-ids", "1,2", "--json").json["count"] == 2
    assert run(*options, "--vocab-size", 9, "--tokenizer", "bytes", "-o", tmp_path / "x").code == 3
    assert run(*options, "--vocab-size", 9, "--tokenizer", "bpe", "-o", tmp_path / "x").code == 3
    assert run(*options, "--vocab-size", 9, "--dry-run", "--json").json["n_tokens"] == 5


def test_a_tokenizer_is_attached_to_tokens(tmp_path: Path) -> None:
    ids = [*b"to be", 255, *b"or not"]
    np.save(tmp_path / "ids.npy", np.array(ids, dtype=np.uint8))
    options = ("--vocab-size", 255, "--end-of-text", 255, "--tokenizer", "bytes", "--json")
    built = run("build", tmp_path / "ids.npy", *options).json
    assert built["tokenizer"]["kind"] == "bytes"
    assert run("count", built["path"], "o", "--json").json["count"] == 3


def test_events(corpus: Path) -> None:
    (corpus / "c.txt").unlink()
    outcome = run("build", corpus, "--tokenizer", "bytes", "--json")
    said = [json.loads(line) for line in outcome.stderr.splitlines()]
    notes = [event["message"] for event in said if event["event"] == "note"]
    events = [event for event in said if event["event"] == "progress"]
    assert notes == ["read 2 files as text"]
    assert [event["stage"] for event in events] == ["tokenize", "sort"]
    assert set(events[0]) == {"event", "stage", "done", "total", "unit", "per_second", "left_s"}
    assert run("build", corpus, "--tokenizer", "bytes", "--json", "--quiet", "--overwrite").stderr == ""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Data with the additional files of a job and a hub."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    (folder / "a.json").write_text('{"text": "one"}\n{"text": "two"}\n')
    (folder / "b.json.gz").write_bytes(gzip.compress(b'{"text": "three"}\n'))
    (folder / "README.md").write_text("a card")
    (folder / "_SUCCESS").write_text("")
    return folder


def test_formats_of_files_are_reported(checkout: Path) -> None:
    said = "note: read 1 file as JSON, 1 as JSON (gzip); left out 2: README.md, _SUCCESS\n"
    built = run("build", checkout, "--tokenizer", "bytes")
    assert built.stdout.startswith("3 documents, 11 tokens")
    assert built.stderr.count(said) == 1
    tasks = run("build", checkout, "--tokenizer", "bytes", "--engine", "local", "-o", checkout.parent / "by-tasks")
    assert tasks.stdout.startswith("3 documents, 11 tokens")
    assert tasks.stderr.count(said) == 1
    assert run("build", checkout, "--tokenizer", "bytes", "--overwrite", "--quiet").stderr == ""


@pytest.mark.parametrize("engine", [(), ("--engine", "local")])
def test_files_and_formats_can_be_selected(checkout: Path, engine: tuple[str, ...]) -> None:
    output = checkout.parent / "x.infgram"

    def texts(*words: str) -> list[str]:
        assert run("build", checkout, "-o", output, "--tokenizer", "bytes", *engine, *words).code == 0
        with infgram.open(output) as index:
            found = [index.document(number).text for number in range(index.n_documents)]
        shutil.rmtree(output)
        return [str(text) for text in found]

    assert texts("--include", "*.md", "--include", "b.*") == ["a card", "three"]
    assert texts("--exclude", "b*") == ["one", "two"]
    assert texts("--exclude", "b*", "--format", "text") == ['{"text": "one"}\n{"text": "two"}\n']


def test_invalid_selections_of_files(checkout: Path, tmp_path: Path) -> None:
    none = run("build", checkout, "--tokenizer", "bytes", "--include", "*.parquet")
    assert none.code == 3
    assert "no file to read" in none.stderr
    assert run("build", checkout, "--format", "yaml").code == 2
    assert run("build", checkout, "--vocab-size", 9, "--exclude", "x").code == 2
    dry = run("build", checkout, "--tokenizer", "bytes", "--dry-run", "--json", "--exclude", "b*")
    assert dry.json["n_documents"] == 2
