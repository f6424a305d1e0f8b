"""The table of questions in docs/guides/asking.md names methods, commands and routes that exist."""

from __future__ import annotations

import json
import re
from typing import NamedTuple

import pytest

import infgram
from infgram.cli.app import COMMANDS
from tests.docs.blocks import ROOT


class Question(NamedTuple):
    """A row of the table."""

    methods: list[str]
    commands: list[str]
    routes: list[str]


def questions() -> list[Question]:
    text = (ROOT / "docs" / "guides" / "asking.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| [^|]+\? \|([^|]*)\|([^|]*)\|([^|]*)\|$", text, re.MULTILINE)
    assert len(rows) == 7
    return [Question(*(re.findall(r"`([^`]+)`", cell) for cell in row)) for row in rows]


@pytest.mark.parametrize("question", questions(), ids=lambda question: question.methods[0])
def test_a_question_has_the_names_that_the_guide_gives(question: Question) -> None:
    assert [name for name in question.methods if not hasattr(infgram.Index, name)] == []
    commands = set(COMMANDS)
    assert [name for name in question.commands if name.split()[0] not in commands] == []
    paths = json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))["paths"]
    routes = {
        f"{verb.upper()} {path.removeprefix('/v1/indexes/{name}').replace('document_id', 'id')}"
        for path, verbs in paths.items()
        for verb in verbs
    }
    assert set(question.routes) - routes == set()
