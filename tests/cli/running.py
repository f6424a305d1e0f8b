"""The command line under test: in this process, or as the program that users start."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from typer.testing import CliRunner

from infgram.cli.app import app


@dataclass(frozen=True)
class Outcome:
    """The result of a command."""

    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> dict[str, Any]:
        """The JSON object of standard output, parsed strictly."""

        def refuse(constant: str) -> None:
            raise AssertionError(f"{constant} is no JSON")

        assert self.code == 0, self.stderr
        assert self.stdout.endswith("\n")
        assert self.stdout.count("\n") == 1
        return cast(dict[str, Any], json.loads(self.stdout, parse_constant=refuse))


def run(*words: str | Path | int, stdin: str | bytes | None = None) -> Outcome:
    """Run a command in this process; any exception except an exit is an error of the test."""
    result = CliRunner().invoke(app, [str(word) for word in words], input=stdin)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Outcome(result.exit_code, result.stdout, result.stderr)


def command(*words: str | Path | int) -> list[str]:
    """Return the command line of the program."""
    return [sys.executable, "-m", "infgram", *(str(word) for word in words)]


def run_process(
    *words: str | Path | int, folder: Path, stdin: bytes = b"", environment: dict[str, str] | None = None
) -> Outcome:
    """Run a command as a new process."""
    done = subprocess.run(
        command(*words),
        cwd=folder,
        input=stdin,
        capture_output=True,
        timeout=60,
        env={**os.environ, **(environment or {})},
        check=False,
    )
    return Outcome(done.returncode, done.stdout.decode(), done.stderr.decode())


def is_one_error_line(stderr: str) -> bool:
    """Return whether the error is one line without a traceback; notes and warnings may precede it."""
    errors = [line for line in stderr.splitlines() if not line.startswith(("note: ", "warning: "))]
    return len(errors) == 1 and errors[0].startswith("error: ")
