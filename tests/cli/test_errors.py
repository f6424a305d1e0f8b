"""Every error prints one line and no traceback, and has the right exit code."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

import infgram
from infgram import errors
from infgram.cli import build, count, exit_codes
from infgram.cli.app import COMMANDS
from tests.cli.running import Outcome, is_one_error_line, run


def assert_fails(outcome: Outcome, code: int, *words: str) -> None:
    """Check that the error is one line with all words, and that standard output is empty."""
    assert outcome.code == code, outcome
    assert outcome.stdout == ""
    assert is_one_error_line(outcome.stderr), outcome.stderr
    for word in words:
        assert word in outcome.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("cuont",),
        ("count",),
        ("count", "INDEX"),
        ("count", "INDEX", "a", "b"),
        ("count", "INDEX", "a", "--token-ids", "1"),
        ("count", "INDEX", "--token-ids", "1,x"),
        ("count", "INDEX", "--token-ids", "1.5"),
        ("count", "INDEX", "a", "--colour"),
        ("next", "INDEX", "a", "--top-k", "0"),
        ("next", "INDEX", "a", "--min-count", "0"),
        ("next", "INDEX", "a", "--whole", "--min-count", "2"),
        ("search", "INDEX", "a", "--limit", "-1"),
        ("search", "INDEX", "a", "--snippet-tokens", "x"),
        ("search", "INDEX", "a", "--scope", "sentence"),
        ("search", "INDEX", "a", "--max-matches", "0"),
        ("search", "INDEX", "a", "--where", "lang"),
        ("search", "INDEX", "a", "--where", "=en"),
        ("search", "INDEX", "a", "--where", "x=1", "--where", "x=2"),
        ("document", "INDEX", "first"),
        ("trace", "INDEX", "LICENSE", "--ids", "--delimiter", "x"),
        ("build",),
        ("build", "INDEX", "--threads", "0"),
        ("build", "INDEX", "--threads", "9" * 30),
        ("build", ""),
        ("build", "INDEX", "-o", ""),
        ("build", "INDEX", "--on-error", "maybe"),
        ("serve",),
        ("serve", "INDEX", "--port", "70000"),
        ("demo", "--port", "x"),
    ],
)
def test_an_invalid_command_line_exits_with_2(index_path: Path, words: tuple[str, ...]) -> None:
    outcome = run(*(index_path if word == "INDEX" else word for word in words))
    assert outcome.code == 2
    assert outcome.stdout == ""
    assert "Error" in outcome.stderr
    assert "Traceback" not in outcome.stderr


def test_helpful_usage_errors(index_path: Path) -> None:
    assert "'count'" in run("cuont").stderr
    assert "quotation marks" in run("count", index_path, "two", "words").stderr
    assert "standard input" in run("count", index_path).stderr


def test_an_invalid_query_exits_with_3(index_path: Path) -> None:
    assert_fails(run("count", index_path, "--token-ids", "99999"), 3, "99999")
    assert_fails(run("count", index_path, "--token-ids=-1"), 3, "-1")
    assert_fails(run("next", index_path, "--token-ids", "9" * 40), 3, "vocabulary")
    assert_fails(run("count", index_path, "--token-ids", "1", "--ignore-case"), 3, "token ids")
    assert_fails(run("count", index_path, "", "--any-tokenization"), 3, "empty")
    assert_fails(run("search", index_path, ""), 3, "empty")
    assert_fails(run("search", index_path, "a", "--seed=-1"), 3, "seed")
    assert_fails(run("search", index_path, "a AND (b"), 3, "parenthesis", "character 8")
    assert_fails(run("search", index_path, "a", "--cursor", "x"), 3, "cursor")
    assert_fails(run("search", index_path, "a", "--timeout", "0"), 3, "timeout_s")
    assert_fails(run("trace", index_path, "-", "--ids", stdin=b"17 x"), 3, "-: 'x' is not a token id")
    assert_fails(run("document", index_path, 5), 3, "document 5")
    assert_fails(run("document", index_path, 10**30), 3)
    assert_fails(run("count", index_path, "\udcff"), 3, "surrogate")
    assert_fails(run("count", index_path, "-", stdin=b"caf\xe9"), 3, "standard input", "0xe9", "offset 3")


def test_an_invalid_input_exits_with_3(tmp_path: Path) -> None:
    assert_fails(run("build", tmp_path / "nothing"), 3, "nothing")
    (tmp_path / "empty").mkdir()
    assert_fails(run("build", tmp_path / "empty"), 3, "empty")
    (tmp_path / "x.jsonl").write_text('{"body": "a"}\n', encoding="utf-8")
    assert_fails(run("build", tmp_path / "x.jsonl"), 3, "--text-field", "body")
    (tmp_path / "x.txt").write_text("a", encoding="utf-8")
    assert_fails(run("build", tmp_path / "x.txt", "--tokenizer", tmp_path / "no.json"), 3, "no.json")
    assert_fails(run("build", tmp_path / "x.txt", "--tokenizer", "bpe:x"), 3, "bpe:x")


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("build", "INDEX", "--scratch", "x"), "--scratch needs a build in tasks"),
        (("build", "INDEX", "-o", "memory://x/y", "--overwrite"), "--overwrite cannot be used"),
        (("count", "INDEX", "--queries", "x", "--readings"), "--readings needs one TEXT"),
        (("serve", "INDEX", "--engine", "x"), "'x' is not an engine"),
        (("serve", "INDEX", "--replicas", "2"), "--replicas needs --engine ray"),
    ],
)
def test_options_that_do_not_fit_exit_with_2(index_path: Path, words: tuple[str, ...], reason: str) -> None:
    refused = run(*(index_path if word == "INDEX" else word for word in words))
    assert refused.code == 2
    assert reason in " ".join(refused.stderr.replace("│", " ").split())


def test_the_time_limit_exits_with_6(index_path: Path) -> None:
    assert_fails(run("search", index_path, " natural", "--timeout", "1e-9"), 6, "timeout_s", "max_matches")


def test_a_missing_index_exits_with_4(index_path: Path, tmp_path: Path) -> None:
    for name in ("count", "next", "score", "search"):
        assert_fails(run(name, tmp_path / "no.infgram", "a"), 4, "no.infgram")
    for name in ("info", "verify"):
        assert_fails(run(name, tmp_path), 4, "manifest.json")
    assert_fails(run("document", tmp_path, 0), 4)
    assert_fails(run("info", __file__), 4)
    assert_fails(run("count", index_path.with_suffix(""), "a"), 4, "did you mean", "corpus.infgram")


def test_a_damaged_index_exits_with_4(index_path: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.infgram"
    shutil.copytree(index_path, copy)
    (section,) = copy.rglob("suffix_array.bin")
    content = bytearray(section.read_bytes())
    content[-10] ^= 1
    section.write_bytes(content)
    assert_fails(run("verify", copy, "--json"), 4, "suffix_array.bin")
    section.write_bytes(content[:-1])
    assert_fails(run("count", copy, "a"), 4, "suffix_array.bin")
    manifest = copy / "manifest.json"
    manifest.write_text(
        re.sub(r'version": \d', 'version": 999', manifest.read_text(encoding="utf-8")), encoding="utf-8"
    )
    assert_fails(run("count", copy, "a"), 4, "999")


def test_a_system_error_exits_with_5(index_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x.txt").write_text("a", encoding="utf-8")
    assert_fails(run("build", tmp_path / "x.txt", "-o", tmp_path / "x.txt" / "y"), 5, "x.txt")

    def refuse(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", "tokens.bin")

    monkeypatch.setattr(count, "open_index", refuse)
    assert_fails(run("count", index_path, "a"), 5, "tokens.bin", "No space left")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.QueryError("x"), 3),
        (errors.InputError("x"), 3),
        (errors.TokenizerError("x"), 3),
        (errors.IndexClosedError("x"), 3),
        (errors.IndexNotFoundError("x"), 4),
        (errors.IndexExistsError("x"), 4),
        (errors.IndexDamagedError("x"), 4),
        (errors.IndexVersionError("x"), 4),
        (errors.StorageError("x"), 5),
        (errors.StorageError(28, "x"), 5),
        (errors.MissingExtraError("x"), 5),
        (MemoryError(), 5),
        (OSError(28, "x"), 5),
        (KeyboardInterrupt(), 130),
        (BrokenPipeError(32, "x"), 5),  # of a socket; that of standard output exits with 141
    ],
)
def test_exit_codes_of_errors(error: BaseException, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(count, "open_index", fail)
    outcome = run("count", "any", "text")
    assert outcome.code == code
    assert code in exit_codes.MEANINGS
    if code != exit_codes.PIPE_CLOSED:
        assert is_one_error_line(outcome.stderr)
        assert "Errno" not in outcome.stderr


def test_every_public_error_has_a_code() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.InfgramError)]
    assert {exit_codes.code_of(kind("x")) for kind in kinds} <= exit_codes.MEANINGS.keys()


def test_a_bug_prints_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(count, "open_index", fail)
    with pytest.raises(ZeroDivisionError):
        run("count", "any", "text")


def test_warnings_of_the_library_are_printed_as_lines(tmp_path: Path) -> None:
    (tmp_path / "corpus" / "sub").mkdir(parents=True)
    (tmp_path / "corpus" / "a.txt").write_text("a", encoding="utf-8")
    (tmp_path / "corpus" / "link\x1b[31m").symlink_to(tmp_path / "corpus" / "sub")
    outcome = run("build", tmp_path / "corpus", "--tokenizer", "bytes", "--quiet")
    assert outcome.code == 0
    assert outcome.stderr.startswith("warning: ")
    assert "link\\x1b[31m" in outcome.stderr


def test_the_help_has_the_table_of_exit_codes() -> None:
    shown = run("--help").stdout
    for code, meaning in exit_codes.MEANINGS.items():
        assert f"{code:<4} {meaning}" in shown


def test_version() -> None:
    assert run("--version").stdout == f"infgram {infgram.__version__}\n"


def test_no_command_shows_the_help() -> None:
    outcome = run()
    assert outcome.code == 2
    assert "build" in outcome.stdout + outcome.stderr


def test_every_command_has_json_and_examples() -> None:
    names = list(COMMANDS)
    asked = ["info", "verify", "count", "next", "score", "search", "document", "trace", "novelty", "overlap", "eval"]
    expected = [
        "build",
        "add",
        "delete",
        "compact",
        "convert",
        *asked,
        "dedup",
        "export",
        "plan",
        "serve",
        "mcp",
        "api-key",
    ]
    assert names == [*expected, "demo"]
    for name in names:
        shown = run(name, "--help").stdout
        assert ("--json" in shown and "JSON" in shown) or name == "mcp"  # its output is the protocol's
        assert f"  infgram {name} " in shown or f"  infgram {name}\n" in shown
    assert build.EXAMPLES.strip().splitlines()[0] in run("build", "--help").stdout
