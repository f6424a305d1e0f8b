"""`infgram eval` prints the results of the library, and writes its report."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import infgram
from infgram.lm.evaluation import evaluate, read_text
from tests.cli.running import run
from tests.lm.test_transformers import tiny_llama


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    for name, texts in (
        ("test", ["a natural world of models", "the end of the world"]),
        ("valid", ["the natural language", "models of the world", "the end", "a language", "natural models"]),
    ):
        rows = [json.dumps({"body": text}) + "\n" for text in texts]
        (tmp_path / f"{name}.jsonl").write_text("".join(rows))
    return tmp_path


def test_json_and_report(index_path: Path, index: infgram.Index, texts: Path) -> None:
    words = ("eval", index_path, texts / "test.jsonl", "--tune", texts / "valid.jsonl", "--text-field", "body", "-q")
    found = run(*words, "--json", "-o", texts / "report").json
    test, valid = (read_text(index, texts / f"{name}.jsonl", text_field="body") for name in ("test", "valid"))
    expected = evaluate(index, test, tune=valid, text_name=str(texts / "test.jsonl")).as_json()
    for content in (found, expected):
        content.pop("elapsed_s")
        content.pop("fit_s")
    assert found == expected
    written = json.loads((texts / "report" / "report.json").read_text())
    assert written["perplexity"] == found["perplexity"]
    assert (texts / "report" / "report.html").read_text().startswith("<!doctype html>")
    again = run(*words, "-o", texts / "report")
    assert again.code == 4
    assert "exists; choose another output" in again.stderr
    assert run(*words, "-o", texts / "report", "--overwrite").code == 0


def test_with_a_neural_model(index_path: Path, index: infgram.Index, texts: Path) -> None:
    tiny_llama(index.vocab_size + 4).save_pretrained(texts / "model")
    words = ("eval", index_path, texts / "test.jsonl", "--text-field", "body", "--model", texts / "model")
    refused = run(*words)
    assert refused.code == 3
    assert "no tokenizer.json is saved with" in refused.stderr
    assert "(--model-tokenizer index)" in refused.stderr
    found = run(*words, "--model-tokenizer", "index", "--json", "--max-tokens", 8, "--device", "cpu")
    assert found.json["perplexity"]["neural"] > 1
    assert found.json["n_positions"] <= 6
    assert found.json["neural_model"] == str(texts / "model")
    assert "without --tune no mixture is evaluated" in found.stderr


def test_numbers_have_the_same_names_in_text_json_and_report(index_path: Path, texts: Path) -> None:
    words = (
        "eval",
        index_path,
        texts / "test.jsonl",
        "--text-field",
        "body",
        "-q",
        "--overwrite",
        "-o",
        texts / "report",
    )
    numbers = run(*words, "--json").json["bits_per_byte"]
    lines = run(*words).stdout.splitlines()
    heading = next(line for line in lines if line.startswith("model"))
    assert heading.split()[-3:] == ["bits", "per", "byte"]
    page = (texts / "report" / "report.html").read_text()
    column = re.findall(r'<th scope="col">([^<]*)', page).index("bits per byte")
    rows = {row[0]: row for row in (re.findall(r"<t[hd][^>]*>([^<]*)", line) for line in page.split("</tr>")) if row}
    for name, title in {"kneser_ney": "Kneser–Ney, all lengths", "witten_bell": "Witten–Bell, all lengths"}.items():
        shown = f"{numbers[name]:.2f}"
        assert next(line for line in lines if line.startswith(title)).split()[-1] == shown
        assert rows[title][column] == shown


def test_text_output(index_path: Path, texts: Path) -> None:
    found = run("eval", index_path, texts / "test.jsonl", "--text-field", "body")
    assert found.code == 0
    assert found.stdout.startswith("2 documents, ")
    assert "Kneser–Ney, all lengths" in found.stdout
    assert "∞-gram agreement: " in found.stdout


def test_a_warning_for_a_text_that_is_also_in_tune(index_path: Path, texts: Path) -> None:
    words = ("eval", index_path, texts / "valid.jsonl", "--text-field", "body", "-q", "-o", texts / "report")
    same = run(*words, "--tune", texts / "valid.jsonl", "--json")
    assert same.code == 0
    assert same.json["n_tuned"] == same.json["n_documents"] == 5
    assert "warning: 5 of the 5 documents of TEXT are in --tune, too" in same.stderr
    assert "5 of 5 documents are also in the tuning text" in (texts / "report" / "report.html").read_text()
    other = run("eval", index_path, texts / "test.jsonl", "--text-field", "body", "--tune", texts / "valid.jsonl")
    assert other.code == 0
    assert "warning" not in other.stderr


def test_a_time_limit(index_path: Path, texts: Path) -> None:
    over = run("eval", index_path, texts / "test.jsonl", "--text-field", "body", "--timeout", "1e-9")
    assert over.code == 6
    assert "was exceeded at stage 'survey'" in over.stderr


def test_invalid_arguments(index_path: Path, token_index_path: Path, texts: Path) -> None:
    assert run("eval", token_index_path, texts / "test.jsonl").code == 3
    assert run("eval", index_path, texts / "nothing.jsonl").code == 3
    assert run("eval", index_path, texts / "test.jsonl").code == 3  # its field is called "body"
