"""`infgram plan` prints the plan of the library."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from infgram.planning import DEFAULT_MACHINE, MACHINES, Workload, make_plan
from tests.cli.running import is_one_error_line, run

TOKENS = ("--tokens", "1e11")


def test_json_is_the_plan() -> None:
    expected = make_plan(Workload(10**11, 10**9), MACHINES[DEFAULT_MACHINE], n_machines=2)
    found = run("plan", *TOKENS, "--shard-tokens", "1e9", "--machines", 2, "--json").json
    assert found == json.loads(json.dumps(asdict(expected)))


def test_tables_have_the_main_figures() -> None:
    shown = run("plan", *TOKENS, "--bytes-per-token", "4.2", "--hours", 5)
    assert (shown.code, shown.stderr) == (0, "")
    for words in ("100,000,000,000", DEFAULT_MACHINE, "hours", "$", "tokenize", "sort", "verify", "infgram", "p99"):
        assert words in shown.stdout


def test_a_machine_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({"like": DEFAULT_MACHINE, "name": "mine\x1b[31m", "dollars_per_hour": 1}))
    assert run("plan", *TOKENS, "--machine", path, "--json").json["machine"]["dollars_per_hour"] == 1
    assert "mine\\x1b[31m" in run("plan", *TOKENS, "--machine", path).stdout


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--tokens", "many"),
        ("--tokens", "0"),
        ("--tokens", "nan"),
        (*TOKENS, "--shard-tokens", "0"),
        (*TOKENS, "--machines", "0"),
        (*TOKENS, "--machines", "x"),
        (*TOKENS, "--bytes-per-token", "-1"),
        (*TOKENS, "--vocab-size", "0"),
    ],
)
def test_invalid_options(words: tuple[str, ...]) -> None:
    assert run("plan", *words).code == 2


@pytest.mark.parametrize(
    "words",
    [
        (*TOKENS, "--machine", "abacus"),
        (*TOKENS, "--machines", "2", "--hours", "3"),
        (*TOKENS, "--hours", "0"),
        (*TOKENS, "--hours", "1e-6"),
        (*TOKENS, "--hours", "nan"),
        (*TOKENS, "--shard-tokens", "1e11"),
        (*TOKENS, "--shard-tokens", "10"),
    ],
)
def test_impossible_plans(words: tuple[str, ...]) -> None:
    refused = run("plan", *words)
    assert refused.code == 3
    assert refused.stdout == ""
    assert is_one_error_line(refused.stderr)
