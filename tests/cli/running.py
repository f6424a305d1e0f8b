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
    """What a command did."""

    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> dict[str, Any]:
        """The one JSON object of standard output, read as strictly as JSON is."""

        def refuse(constant: str) -> None:
            raise AssertionError(f"{constant} is no JSON")

        assert self.code == 0, self.stderr
        assert self.stdout.endswith("\n")
        assert self.stdout.count("\n") == 1
        return cast(dict[str, Any], json.loads(self.stdout, parse_constant=refuse))


def run(*words: str | Path | int, stdin: str | bytes | None = None) -> Outcome:
    """A command in this process; anything but an exit code is an error of the test."""
    result = CliRunner().invoke(app, [str(word) for word in words], input=stdin)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Outcome(result.exit_code, result.stdout, result.stderr)


def command(*words: str | Path | int) -> list[str]:
    """The program as a new process would start it."""
    return [sys.executable, "-m", "infgram", *(str(word) for word in words)]


def run_process(
    *words: str | Path | int, folder: Path, stdin: bytes = b"", environment: dict[str, str] | None = None
) -> Outcome:
    """A command as a new process."""
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
    """Whether the message is one line, without a traceback; notes and warnings may stand before it."""
    errors = [line for line in stderr.splitlines() if not line.startswith(("note: ", "warning: "))]
    return len(errors) == 1 and errors[0].startswith("error: ")
