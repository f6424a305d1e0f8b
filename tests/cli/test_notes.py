"""Notes and warnings: other tokenizations of a text, skipped input, and unknown readings."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path

import pytest
from tokenizers import Tokenizer, models

import infgram
from infgram.tokenizers import HuggingFaceTokenizer
from tests.cli.running import run
from tests.infini_gram_folders import write_shard


def test_the_reason_of_unknown_readings(index_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "500 characters" in run("count", index_path, "natural" * 100, "--readings").stderr
    words = HuggingFaceTokenizer.wrap(Tokenizer(models.WordPiece({"[UNK]": 0, "a": 1, "##b": 2}, unk_token="[UNK]")))
    words.save(tmp_path)
    (tmp_path / "corpus.txt").write_text("ab")
    infgram.build(tmp_path / "corpus.txt", tokenizer=str(tmp_path / "tokenizer.json")).close()
    for text in ("a", "a" * 600):
        shown = run("count", tmp_path / "corpus.infgram", text, "--readings").stderr
        assert "this tokenizer does not" in shown
        assert "too many" not in shown
    readings = infgram.Index.readings
    monkeypatch.setattr(infgram.Index, "readings", lambda self, text: readings(self, text, max_branches=0))
    shown = run("count", index_path, "natural", "--readings").stderr
    assert "too many tokenizations" in shown
    assert "tokenizer" not in shown


def test_a_count_notes_that_operators_are_words(index_path: Path) -> None:
    found = run("count", index_path, "natural AND language")
    assert found.stdout == "0\n"
    assert "infgram search takes them as operators" in found.stderr
    assert run("count", index_path, "natural AND language", "-q").stderr == ""
    for text in ("natural and language", "ANDERSON", "natural"):
        assert "operators" not in run("count", index_path, text).stderr


def test_an_empty_search_notes_that_the_string_occurs(index_path: Path) -> None:
    found = run("search", index_path, "nguage of")
    assert found.stdout.startswith("0 occurrences")
    assert "occurs 1 time in all" in found.stderr
    assert "--any-tokenization" in found.stderr
    of_two = run("search", index_path, '" natural" AND "nguage of"')
    assert "occurs 1 time in all" in of_two.stderr
    for words in (("zebra",), (" natural",), ("zebra", "--any-tokenization"), (" natural", "--where", "number=77")):
        assert run("search", index_path, *words).stderr == ""


def test_the_shards_of_an_index_of_infini_gram_are_named(tmp_path: Path) -> None:
    for number in range(7):
        write_shard(tmp_path / "theirs" / f"corpus-{number}", [[97, 98]], 8)
    found = run("count", tmp_path / "theirs", "ab", "--tokenizer", "bytes")
    assert found.stdout == "7\n"
    names = ", ".join(f"corpus-{number}" for number in range(5))
    assert found.stderr == f"note: one index of 7 shards: {names} and 2 more\n"
    assert run("count", tmp_path / "theirs", "ab", "--tokenizer", "bytes", "--quiet").stderr == ""
    assert run("count", tmp_path / "theirs" / "corpus-3", "ab", "--tokenizer", "bytes").stderr == ""


def test_one_note_for_many_queries(index_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "q.txt").write_text("nguage of\nzebra\nangua\n")
    found = run("count", index_path, "--queries", tmp_path / "q.txt")
    assert found.stderr.count("note: ") == 1
    assert "2 of 3 queries occur more often as strings" in found.stderr
    for words in (("-q",), ("--json",), ("--any-tokenization",), ("--documents",), ("--by", "number")):
        assert "as strings" not in run("count", index_path, "--queries", tmp_path / "q.txt", *words).stderr
    (tmp_path / "q.jsonl").write_text("[1]\n")
    assert "as strings" not in run("count", index_path, "--queries", tmp_path / "q.jsonl").stderr
    monkeypatch.setattr(import_module("infgram.cli.string_notes"), "_MAX_QUERIES", 1)
    assert "1 of the first 1 query occurs" in run("count", index_path, "--queries", tmp_path / "q.txt").stderr


def test_a_quiet_build_reports_skipped_input(tmp_path: Path) -> None:
    (tmp_path / "c.jsonl").write_text(json.dumps({"text": "a"}) + "\n{broken\n")
    words = ("build", tmp_path / "c.jsonl", "--tokenizer", "bytes", "--on-error", "skip", "--overwrite", "-q")
    found = run(*words)
    assert found.stdout == ""
    assert found.stderr.count("\n") == 1
    assert "skipped 1 piece of input" in found.stderr
    assert "manifest.json" in found.stderr
    (tmp_path / "c.jsonl").write_text(json.dumps({"text": "a"}) + "\n")
    assert run(*words).stderr == ""


def test_a_trace_reports_abandoned_searches(index_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.txt").write_text("atural NATURAL language of")
    words = (
        "trace",
        index_path,
        tmp_path / "a.txt",
        "--ignore-case",
        "--json",
        "--max-spans",
        "9",
        "--min-length",
        "2",
    )
    found = run(*words)
    with infgram.open(index_path) as index:
        expected = infgram.trace(index, "atural NATURAL language of", ignore_case=True, max_spans=9, min_length=2)
    assert [span["text"] for span in found.json["spans"]] == [span.text for span in expected.spans]
    assert found.json["spans"][0]["text"] == "NATURAL language of"
    assert (found.json["n_given_up"], found.json["spans"][0]["is_exact"]) == (0, True)
    assert found.stderr == ""
    for module in ("word_spans", "occurrences"):
        monkeypatch.setattr(import_module(f"infgram.analysis.{module}"), "MOST_BRANCHES", 0)
    found = run(*words)
    assert found.json["n_given_up"] > 0
    assert "warning: gave up" in found.stderr


def test_info_says_what_was_skipped(tmp_path: Path) -> None:
    (tmp_path / "corpus.jsonl").write_text('{"text": "a"}\n{"text": 3}\n')
    run("build", tmp_path / "corpus.jsonl", "-o", tmp_path / "c.infgram", "--on-error", "skip", "--quiet")
    assert "1 piece of input, listed in manifest.json" in run("info", tmp_path / "c.infgram").stdout
