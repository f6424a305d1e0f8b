"""Corpus text is printed to a terminal without control sequences."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

import infgram
from infgram.cli import display
from tests.cli.running import run

HOSTILE = (
    "plain \x1b[31mred\x1b[0m \x1b]0;title\x07 \x9b31m \x00 \x7f \x08\x08 \r over [bold]not bold[/bold] "
    "[link=http://x]y[/link] :smile: \u202eright to left\u202c \u2028 \ufeff \U000e0041 \u200b end\n"
    "error: not ours\n\tx"
)


def is_harmless(text: str) -> bool:
    """Return whether there are no control, format, surrogate or line-end characters except line feeds."""
    return all(letter == "\n" or unicodedata.category(letter) not in {"Cc", "Cf", "Cs", "Zl", "Zp"} for letter in text)


@pytest.fixture(scope="module")
def hostile_index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    row = {"text": HOSTILE, "\x1b[1mkey": "\x1b[31mvalue", "n": {"deep": "\x9b"}}
    (folder / "x.jsonl").write_text(json.dumps(row), encoding="utf-8")
    infgram.build(folder / "x.jsonl", folder / "x.infgram", tokenizer="bytes").close()
    return folder / "x.infgram"


@pytest.mark.parametrize("query", ["plain", "\x1b", "[31m", "\x9b", "end\n", "\u202e", " \x00"])
def test_output_has_no_control_sequences(hostile_index: Path, query: str) -> None:
    for words in (("count", query), ("next", query), ("score", query), ("search", query), ("info",), ("document", "0")):
        outcome = run(words[0], hostile_index, *words[1:])
        assert outcome.code == 0
        assert is_harmless(outcome.stderr)
        if words[0] != "document":  # which is exact without a terminal
            assert is_harmless(outcome.stdout), words
        assert run(words[0], hostile_index, *words[1:], "--json").stdout.isascii()


def test_markup_and_emoji_names_are_printed_unchanged(hostile_index: Path) -> None:
    shown = run("search", hostile_index, "plain", "--snippet-tokens", 500).stdout
    for part in ("[bold]not bold[/bold]", "[link=http://x]y[/link]", ":smile:", "\\x1b[31mred", "\\u202e"):
        assert part in shown


def test_corpus_text_cannot_imitate_a_message(hostile_index: Path) -> None:
    shown = run("search", hostile_index, "plain", "--snippet-tokens", 500).stdout
    assert "  \u2502 error: not ours" in shown
    assert "\nerror:" not in shown


def test_files_have_the_exact_text(hostile_index: Path) -> None:
    assert run("document", hostile_index, 0).stdout.replace("\r\n", "\n") == HOSTILE
    assert run("document", hostile_index, 0, "--json").json["text"] == HOSTILE


def test_long_lines_are_not_wrapped_without_a_terminal(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("a" * 3000 + "needle" + "b" * 3000, encoding="utf-8")
    infgram.build(tmp_path / "x.txt", tmp_path / "x", tokenizer="bytes").close()
    shown = run("search", tmp_path / "x", "needle", "--snippet-tokens", 10_000).stdout
    assert "a" * 3000 + "needle" + "b" * 3000 in shown


@given(st.text())
def test_one_line(text: str) -> None:
    shown = display.one_line(text)
    assert is_harmless(shown.replace("\u200c", "").replace("\u200d", ""))
    assert "\n" not in shown


@given(st.text())
def test_lines(text: str) -> None:
    shown = display.lines(text)
    assert len(shown) == text.replace("\r\n", "\n").count("\n") + 1
    assert all("\n" not in line for line in shown)
    assert is_harmless("".join(shown).replace("\u200c", "").replace("\u200d", ""))


@given(st.text())
def test_quoted_is_short(text: str) -> None:
    assert len(display.quoted(text, 20)) <= 22


def test_numbers() -> None:
    assert [display.size(n) for n in (0, 999, 1000, 31_500_000, 999_960_000, 10**16)] == [
        "0 B",
        "999 B",
        "1.0 kB",
        "31.5 MB",
        "1.0 GB",
        "10000.0 TB",
    ]
    assert [display.duration(s) for s in (0.04, 59.9, 65, 3600 * 3 + 601)] == [
        "0.0 s",
        "59.9 s",
        "1 min 05 s",
        "3 h 10 min",
    ]
    assert [display.number(n, "token") for n in (0, 1, 1024)] == ["0 tokens", "1 token", "1,024 tokens"]
