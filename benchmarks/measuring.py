"""Run a command, and measure its time and its peak use of memory and disk."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_SAMPLE_S: Final = 0.02
_DISK_EVERY: Final = 10  # samples


@dataclass(frozen=True)
class Measured:
    """The measurements of one run.

    Attributes:
        lines: the printed lines, each with its time in seconds since the start.
        elapsed_s: the duration in seconds.
        memory_bytes: the peak of anonymous and shared memory of all its processes, without mapped files.
        disk_bytes: the peak size of its folder.
    """

    lines: list[tuple[float, str]]
    elapsed_s: float
    memory_bytes: int
    disk_bytes: int

    def at(self, beginning: str) -> float:
        """Return the time of the first line with a prefix."""
        return next(at for at, line in self.lines if line.strip().startswith(beginning))


def run(
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str] | None = None,
    working_folder: Path | None = None,
) -> Measured:
    """Run a command to its end.

    Args:
        command: the program and its arguments.
        folder: the folder that it writes to.
        environment: additional environment variables.
        working_folder: its working directory.

    Raises:
        SystemExit: the command failed; the message includes its output.
    """
    started = time.perf_counter()
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})},
        cwd=working_folder,
    )
    sampler = _Sampler(process.pid, folder)
    lines: list[tuple[float, str]] = []
    assert process.stdout is not None
    with sampler:
        for line in process.stdout:
            lines.append((time.perf_counter() - started, line.rstrip("\n")))
        process.wait()
    elapsed_s = time.perf_counter() - started
    if process.returncode:
        tail = "\n".join(line for _, line in lines[-20:])
        raise SystemExit(f"{' '.join(command)} failed with {process.returncode}:\n{tail}")
    return Measured(lines, elapsed_s, sampler.memory_bytes, sampler.disk_bytes)


def folder_bytes(folder: Path) -> int:
    """Return the size of all files below a folder, ignoring files that are removed concurrently."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(parent, name)).st_size
            except OSError:
                continue
    return total


class _Sampler:
    """A context manager whose thread samples the processes of a session and the size of a folder."""

    def __init__(self, session: int, folder: Path) -> None:
        self.memory_bytes = self.disk_bytes = 0
        self._session, self._folder = session, folder
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _watch(self) -> None:
        n_samples = 0
        while not self._is_over.wait(_SAMPLE_S):
            self.memory_bytes = max(self.memory_bytes, sum(map(_memory_bytes, _processes(self._session))))
            if n_samples % _DISK_EVERY == 0:
                self.disk_bytes = max(self.disk_bytes, folder_bytes(self._folder))
            n_samples += 1


def _processes(session: int) -> list[str]:
    """Return the processes of a session. They have larger ids than the first one, so smaller ids are skipped."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdecimal() and int(name) >= session:
            try:
                fields = Path("/proc", name, "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[3]) == session:
                found.append(name)
    return found


def _memory_bytes(process: str) -> int:
    try:
        lines = Path("/proc", process, "status").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(("RssAnon:", "RssShmem:")))
