"""Every option and argument that a message names exists."""

from __future__ import annotations

import ast
import gc
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import typer.main
from infgram.service import settings as service_settings

import infgram
from infgram.cli.app import app

ROOT = Path(__file__).resolve().parents[1]
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]+")
ARGUMENT = re.compile(r"(?<![\w.\-<\"' ]=)\b([a-z][a-z0-9_]*)=(?:…|'[\w:*./ ]*'|True\b|False\b|None\b)")
OF_OTHERS = {
    *("--address", "--head"),  # ray start
    *("--version", "--reversed"),  # infini_gram.indexing
}
NOT_ARGUMENTS = {"path", "add_special_tokens"}  # metadata in an example; of a library, in a docstring


def literals(folder: str) -> Iterator[tuple[str, str]]:
    """Yield the place and the text of every string of the sources; the parts of an f-string are joined."""
    for path in sorted((ROOT / folder).rglob("*.py")):
        gc.disable()  # CPython 3.11 miscounts its recursion depth if the collector runs code here
        try:
            tree = ast.parse(path.read_text(encoding="utf-8"))
        finally:
            gc.enable()
        inside: set[int] = set()
        for node in ast.walk(tree):
            where = f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"
            if isinstance(node, ast.JoinedStr):
                pieces = [part for part in node.values if isinstance(part, ast.Constant)]
                inside |= {id(part) for part in pieces}
                yield where, "{}".join(str(part.value) for part in pieces)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside:
                yield where, node.value


def options() -> set[str]:
    commands = typer.main.get_command(app).commands.values()  # type: ignore[attr-defined]
    named = {name for command in commands for parameter in command.params for name in parameter.opts}
    named |= {name for command in commands for parameter in command.params for name in parameter.secondary_opts}
    return {*named, "--help", "--version", "--install-completion", "--show-completion"}


def arguments() -> set[str]:
    """Return the parameters of all functions and methods of the package, and the settings of the service."""
    names: set[str] = set()
    for module in pkgutil.walk_packages(infgram.__path__, "infgram."):
        if module.name.startswith("infgram.service") or module.name == "infgram.__main__":
            continue
        for thing in vars(importlib.import_module(module.name)).values():
            held = vars(thing).values() if inspect.isclass(thing) else (thing,)
            for function in (getattr(each, "__func__", each) for each in held):
                if inspect.isfunction(function):
                    names |= set(inspect.signature(function).parameters)
            if inspect.isclass(thing) and hasattr(thing, "__dataclass_fields__"):
                names |= set(thing.__dataclass_fields__)
    for thing in vars(service_settings).values():
        names |= set(getattr(thing, "model_fields", {}))
    return names


def test_every_option_that_a_message_names_exists() -> None:
    known = options() | OF_OTHERS
    found = [
        (where, name)
        for folder in ("infgram", "service")
        for where, text in literals(folder)
        for name in OPTION.findall(text)
    ]
    assert len(found) > 100
    assert [(where, name) for where, name in found if name not in known] == []


def test_every_argument_that_a_message_names_exists() -> None:
    known = arguments() | NOT_ARGUMENTS
    found = [
        (where, name)
        for folder in ("infgram", "service")
        for where, text in literals(folder)
        if not text.lstrip().startswith("<")
        for name in ARGUMENT.findall(text)
    ]
    assert len(found) > 10
    assert [(where, name) for where, name in found if name not in known] == []
