"""The shell of a reader of the documentation, with `infgram`, `python` and `curl` on its path."""

from __future__ import annotations

import os
import shlex
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

SHOWN_ADDRESS = "127.0.0.1:8000"
_PATIENCE_S = 60.0

_CURL = """
import argparse, sys, urllib.request
parser = argparse.ArgumentParser()
parser.add_argument("-s", action="store_true")
parser.add_argument("-H", action="append", default=[])
parser.add_argument("-d")
parser.add_argument("url")
asked = parser.parse_args()
headers = dict(header.split(": ", 1) for header in asked.H)
body = None if asked.d is None else asked.d.encode()
with urllib.request.urlopen(urllib.request.Request(asked.url, body, headers)) as answer:
    sys.stdout.write(answer.read().decode())
"""
"""For machines without curl: the options that the documentation uses."""


class Shell:
    """Runs commands in a folder. `close` ends the servers that they started."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self.folder = folder
        self._port = _free_port()
        self._servers: list[subprocess.Popen[bytes]] = []
        programs.mkdir()
        _write_program(programs / "infgram", f'exec {shlex.quote(sys.executable)} -m infgram "$@"')
        _write_program(programs / "python", f'exec {shlex.quote(sys.executable)} "$@"')
        if shutil.which("curl") is None:
            (programs / "curl.py").write_text(_CURL, encoding="utf-8")
            curl = shlex.quote(str(programs / "curl.py"))
            _write_program(programs / "curl", f'exec {shlex.quote(sys.executable)} {curl} "$@"')
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("INFGRAM_", "FORCE_COLOR"))}
        path = f"{programs}{os.pathsep}{os.environ['PATH']}"
        self._environment = {**kept, "PATH": path, "COLUMNS": "120", "PYTHONIOENCODING": "utf-8"}

    def run(self, command: str) -> str:
        """Return what the command prints to standard output and standard error."""
        command = self.addressed(command)
        if command.startswith("infgram serve "):
            return self._shown(self._serve(f"{command} --port {self._port}"))
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_PATIENCE_S,
            check=False,
        )
        return self._shown(done.stdout.decode("utf-8"))

    def addressed(self, text: str) -> str:
        """Replace the address in the documentation by that of this shell's server."""
        return text.replace(SHOWN_ADDRESS, f"127.0.0.1:{self._port}")

    def close(self) -> None:
        """End the servers."""
        for server in self._servers:
            server.terminate()
            server.wait(_PATIENCE_S)

    def _serve(self, command: str) -> str:
        """Start a server and wait until it is ready; return what it has printed."""
        log = self.folder / f"server-{len(self._servers)}.log"
        with log.open("wb") as output:
            server = subprocess.Popen(
                ["bash", "-c", f"exec {command}"],
                cwd=self.folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self._servers.append(server)
        give_up = time.monotonic() + _PATIENCE_S
        while not _answers(f"http://127.0.0.1:{self._port}/readyz"):
            said = log.read_text(encoding="utf-8")
            assert server.poll() is None, f"{command} ended: {said}"
            assert time.monotonic() < give_up, f"{command} is not ready: {said}"
            time.sleep(0.05)
        return log.read_text(encoding="utf-8")

    def _shown(self, output: str) -> str:
        return output.replace(f"127.0.0.1:{self._port}", SHOWN_ADDRESS)


def _write_program(path: Path, line: str) -> None:
    path.write_text(f"#!/bin/sh\n{line}\n", encoding="utf-8")
    path.chmod(0o755)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1) as answer:
            return int(answer.status) == 200
    except (urllib.error.URLError, OSError):
        return False
