"""Every code block of README.md and docs/ does what the page says.

A page is run from top to bottom in a new folder with this project's LICENSE, the corpus of the examples:

- `pycon` and `python`: Python, one session a page; what a `pycon` block shows is compared.
- `console`: commands after `$ `, and below each what it prints; `...` stands for anything.
- `sh`: commands that set up the project. They are not run by the tests, but each must be in a list here.
- `json`, `jsonl`: valid JSON. `toml`: settings of the service.
- `text`, `hexdump`: drawings, or checked by a test of their own.
"""

from __future__ import annotations

import doctest
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from infgram.service import settings_from

from tests.docs.blocks import ROOT, Block, blocks_of, pages
from tests.docs.shell import Shell

DRAWINGS = {"text", "hexdump"}
SETTING_UP = [
    r"git clone \S+ infgram && cd infgram",
    r"pip install (\.|'\.\[[a-z,]+\]')",
    r"make [a-z]+( PYTEST_ARGS=\".+\")?",
    r"\.ci/run",
]


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    folder = tmp_path / "folder"
    folder.mkdir()
    shutil.copy(ROOT / "LICENSE", folder)
    monkeypatch.chdir(folder)
    started = Shell(folder, tmp_path / "programs")
    yield started
    started.close()


@pytest.mark.parametrize("page", pages())
def test_every_block_does_what_the_page_says(page: str, shell: Shell) -> None:
    names: dict[str, Any] = {"__name__": "__main__"}
    for block in blocks_of(page):
        if block.language == "pycon":
            run_session(block, names, shell)
        elif block.language == "python":
            exec(compile(block.content, block.place, "exec"), names)
        elif block.language == "console":
            run_commands(block, shell)
        elif block.language == "sh":
            check_setting_up(block)
        elif block.language in ("json", "jsonl"):
            for text in block.content.splitlines() if block.language == "jsonl" else [block.content]:
                json.loads(text)
        elif block.language == "toml":
            (shell.folder / "settings.toml").write_text(block.content, encoding="utf-8")
            settings_from(shell.folder / "settings.toml")
        else:
            assert block.language in DRAWINGS, f"{block.place}: a block of the unknown language {block.language!r}"


def run_session(block: Block, names: dict[str, Any], shell: Shell) -> None:
    """Run a Python session; later blocks see its names."""
    test = doctest.DocTestParser().get_doctest(
        shell.addressed(block.content), names, block.place, block.page, block.line - 1
    )
    assert test.examples, f"{block.place}: no line begins with >>>"
    report: list[str] = []
    runner = doctest.DocTestRunner(verbose=False, optionflags=doctest.ELLIPSIS)
    runner.run(test, out=report.append, clear_globs=False)
    names.update(test.globs)
    assert report == [], "".join(report)


def run_commands(block: Block, shell: Shell) -> None:
    """Run commands, each followed by its output."""
    head, *commands = re.split(r"^\$ ", block.content, flags=re.MULTILINE)
    assert head == "", f"{block.place}: expected a line that begins with $"
    for entry in commands:
        command, wanted = command_and_output(entry)
        found = shell.run(command)
        if not doctest.OutputChecker().check_output(stripped(wanted), stripped(found), doctest.ELLIPSIS):
            pytest.fail(f"{block.place}: $ {command}\nprints\n{found}\nand the page says\n{wanted}", pytrace=False)


def command_and_output(entry: str) -> tuple[str, str]:
    r"""Split a command from its output; lines that end with `\` continue."""
    command, output = "", entry
    while not command or command.endswith("\\\n"):
        line, end, output = output.partition("\n")
        command += line + end
    return command.strip(), output


def stripped(text: str) -> str:
    """Return the text without white space at the ends of lines and around it."""
    return "\n".join(line.rstrip() for line in text.strip().splitlines()) + "\n"


def check_setting_up(block: Block) -> None:
    """Check that each command is in the list, and that the targets of `make` exist."""
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for line in block.content.splitlines():
        command = line.partition("  #")[0].strip()
        assert any(re.fullmatch(known, command) for known in SETTING_UP), (
            f"{block.place}: {command!r} is not known here"
        )
        if command.startswith("make "):
            assert command.split()[1] in targets, f"{block.place}: the Makefile has no such target"


def test_ci_runs_the_test_command_of_the_readme() -> None:
    commands = {
        line for block in blocks_of("README.md") if block.language == "sh" for line in block.content.splitlines()
    }
    assert any(re.match(r"make test\b", command) for command in commands)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(r"^check:.*\btest\b", makefile, re.MULTILINE)
    assert re.search(r"\bmake\b.* check$", (ROOT / ".ci" / "run").read_text(encoding="utf-8"), re.MULTILINE)
