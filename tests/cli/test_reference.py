"""docs/cli.md contains the help of all commands."""

from __future__ import annotations

from pathlib import Path

import pytest

from infgram.cli import reference
from infgram.cli.app import COMMANDS

DOCS = Path(__file__).resolve().parents[2] / "docs" / "cli.md"


def test_the_reference_is_current() -> None:
    assert DOCS.read_text(encoding="utf-8") == reference.reference(), "run: make generated"


def test_every_command_is_documented() -> None:
    text = DOCS.read_text(encoding="utf-8")
    assert [name for name in COMMANDS if f"\n## infgram {name}\n" not in text] == []


def test_the_reference_does_not_depend_on_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = reference.reference()
    for columns in ("20", "300"):
        monkeypatch.setenv("COLUMNS", columns)
        assert reference.reference() == expected


def test_lines_of_the_help_fit_a_terminal() -> None:
    inside = [line for part in reference.reference().split("```")[1::2] for line in part.splitlines()]
    assert [line for line in inside if len(line) > 84] == []
