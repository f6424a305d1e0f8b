"""The guides name methods, commands and routes that exist."""

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
    text = (ROOT / "docs" / "guides" / "querying.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| [^|]+\? \|([^|]*)\|([^|]*)\|([^|]*)\|$", text, re.MULTILINE)
    assert len(rows) == 7
    return [Question(*(re.findall(r"`([^`]+)`", cell) for cell in row)) for row in rows]


@pytest.mark.parametrize("question", questions(), ids=lambda question: question.methods[0])
def test_names_in_the_table_of_queries_exist(question: Question) -> None:
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


def test_methods_that_the_client_lacks() -> None:
    """docs/guides/serving.md lists the methods of `Index` without a counterpart in `Client`."""
    text = (ROOT / "docs" / "guides" / "serving.md").read_text(encoding="utf-8")
    listed = re.search(r"It lacks (.*?)\.", text, re.DOTALL)
    assert listed is not None
    methods = {name for name, value in vars_of(infgram.Index) if callable(value)}
    assert re.findall(r"`(\w+)`", listed[1]) == sorted(methods - {name for name, _ in vars_of(infgram.Client)})


def vars_of(kind: type) -> list[tuple[str, object]]:
    return [(name, getattr(kind, name)) for name in dir(kind) if not name.startswith("_")]
