"""docs/cli.md, which is the help of every command: `python -m infgram.cli.reference > docs/cli.md`."""

from __future__ import annotations

import sys
from typing import Any, Final

from typer.main import get_command

from infgram.cli.app import COMMANDS, app

_INTRODUCTION: Final = """# The command line

Written by `make generated` from `infgram --help` and the help of each command; a test compares.

Answers go to standard output; progress, warnings, notes and errors (one line each) to standard error. With `--json`
a command prints one JSON object, in ASCII, which never holds NaN or Infinity: a log-probability of −∞ is `null`.
After an error standard output stays empty. A text is taken exactly as given: no space is put in front, no line
feed taken off its end, not even that of standard input (`-`). Corpus text on a terminal has its control characters
shown as escapes.

When the reader of standard output goes away, as `| head` does, a command ends at once, without a message, with exit
code 141; only `infgram serve` goes on. A standard output that is closed from the start is an error (5). Messages that
standard error does not take are dropped, and change neither the work nor the exit code.
"""


def reference() -> str:
    """The text of docs/cli.md."""
    group: Any = get_command(app)
    context = _context(group, None, "infgram")
    parts = [_INTRODUCTION, _section("infgram", group.get_help(context))]
    for name in COMMANDS:
        command = group.get_command(context, name)
        parts.append(_section(f"infgram {name}", command.get_help(_context(command, context, name))))
    return "\n".join(parts)


def _context(command: Any, parent: Any, name: str) -> Any:
    """A context as a terminal of 80 columns gives it."""
    names = {"help_option_names": ["-h", "--help"]}
    return command.context_class(command, info_name=name, parent=parent, terminal_width=80, **names)


def _section(heading: str, text: str) -> str:
    lines = "\n".join(line.rstrip() for line in text.splitlines())
    return f"## {heading}\n\n```text\n{lines}\n```\n"


if __name__ == "__main__":
    sys.stdout.write(reference())
