"""Write docs/cli.md from the help of every command: `python -m infgram.cli.reference > docs/cli.md`."""

from __future__ import annotations

import sys
from typing import Any, Final

from typer.main import get_command

from infgram.cli.app import COMMANDS, app

_INTRODUCTION: Final = """# The command line

`make generated` writes this page from the help of each command; a test checks that it is current.

Results go to standard output. Progress, warnings, notes and errors (one line each) go to standard error. After an
error, standard output is empty. With `--json` a command prints JSON objects in ASCII, without NaN and Infinity; a
log-probability of −∞ is `null`.

A text is taken exactly as given: no space is added in front, and no line feed is removed from its end, even if it
comes from standard input (`-`). On a terminal, control characters of corpus text are printed as escapes.

If the reader of standard output closes the pipe, as `| head` does, a command ends without a message, with exit code
141; only `infgram serve` continues. If standard output is closed from the start, the command fails with exit code 5.
Messages that cannot be written to standard error are dropped; the exit code does not change.
"""


def reference() -> str:
    """Return the text of docs/cli.md."""
    group: Any = get_command(app)
    context = _context(group, None, "infgram")
    parts = [_INTRODUCTION, _section("infgram", group.get_help(context))]
    for name in COMMANDS:
        command = group.get_command(context, name)
        parts.append(_section(f"infgram {name}", command.get_help(_context(command, context, name))))
    return "\n".join(parts)


def _context(command: Any, parent: Any, name: str) -> Any:
    """Return the context of a command on a terminal of 80 columns."""
    names = {"help_option_names": ["-h", "--help"]}
    return command.context_class(command, info_name=name, parent=parent, terminal_width=80, **names)


def _section(heading: str, text: str) -> str:
    lines = "\n".join(line.rstrip() for line in text.splitlines())
    return f"## {heading}\n\n```text\n{lines}\n```\n"


if __name__ == "__main__":
    sys.stdout.write(reference())
