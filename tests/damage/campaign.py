"""Ask damaged indexes every question, in a process of its own, and report what no caller should see.

A case is a number: with the seed it determines the index, the file and the fault. The process answers one case after
the other; if it dies by a signal, or is silent for too long, the case is a finding and another process continues.
"""

from __future__ import annotations

import faulthandler
import json
import multiprocessing
import os
import random
import resource
import shutil
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import product
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

import infgram
from infgram.errors import InfgramError
from infgram.files.manifest import FILE_NAME
from tests.damage.calls import calls, take
from tests.damage.faults import FAULTS, damage
from tests.damage.indexes import Sound

SILENCE_S: Final = 20
"""The longest time for one case, which takes a fraction of a second."""

_MOST_BYTES: Final = 8 << 30  # of address space beyond what the process has; damage must not make it grow


@dataclass(frozen=True)
class Case:
    """One damaged index.

    Attributes:
        number: with the seed, the source of all choices.
        index: the name of the sound index.
        file: the damaged file.
        fault: the kind of damage.
        sealed: whether all checksums are right.
    """

    number: int
    index: str
    file: str
    fault: str
    sealed: bool

    def __str__(self) -> str:
        return f"case {self.number}: {self.index}/{self.file} {self.fault}{' with right checksums' * self.sealed}"


@dataclass(frozen=True)
class Outcome:
    """What became of a case.

    Attributes:
        opened: whether the damaged index opened.
        verified: whether `verify` found nothing.
        is_changed: whether a file differs from the sound one.
        findings: what no caller should see, one line each.
    """

    opened: bool
    verified: bool
    is_changed: bool
    findings: tuple[str, ...]


def cases(indexes: Mapping[str, Sound], seed: int) -> Iterator[Case]:
    """Yield cases without end: every file, fault and state of the checksums, in a random order, again and again."""
    kinds = [
        (name, file, fault, sealed)
        for name, sound in indexes.items()
        for file, fault, sealed in product(sound.files, (*FAULTS, "swap", "header"), {False, sound.has_checksums})
        if file.endswith(".json" if fault == "rewrite" else "") and file.endswith(".bin" if fault == "header" else "")
    ]
    number = 0
    while True:
        random.Random(f"{seed}: order {number}").shuffle(kinds)
        for kind in kinds:
            yield Case(number, *kind)
            number += 1


def run_case(case: Case, sound: Sound, seed: int, scratch: Path, begin: Callable[[str], None]) -> Outcome:
    """Damage a copy of an index and ask it everything; `begin` is called with the name of each question."""
    folder = scratch / "damaged"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(sound.path, folder)
    rng = random.Random(f"{seed}: {case.number}")
    damage(folder, case.file, case.fault, rng, sealed=case.sealed)
    is_changed = any(_differs(folder / file, sound.path / file) for file in sound.files)
    findings: list[str] = []
    opened = verified = False
    try:
        with infgram.open(folder, tokenizer=sound.tokenizer) as index:
            opened = True
            documents = sorted({0, rng.randrange(sound.n_documents), sound.n_documents - 1})
            for name, ask in calls(index, list(sound.queries), documents, scratch, sound.tokenizer):
                begin(name)
                try:
                    take(ask())
                    verified = verified or name == "verify"
                except InfgramError:
                    pass
                except Exception as error:  # noqa: BLE001  # that is what is looked for
                    findings.append(_line(name, error))
    except InfgramError:
        pass
    except Exception as error:  # noqa: BLE001  # that is what is looked for
        findings.append(_line("open", error))
    return Outcome(opened, verified, is_changed, tuple(findings))


def _differs(file: Path, sound: Path) -> bool:
    """Return whether the content of a file differs; white space in a manifest has no meaning."""
    found, expected = file.read_bytes(), sound.read_bytes()
    if file.name == FILE_NAME and found != expected:
        with suppress(ValueError):
            return bool(json.loads(found) != json.loads(expected))
    return found != expected


def _line(name: str, error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    inside = [frame for frame in frames if "/infgram/" in frame.filename] or frames
    place = f"{Path(inside[-1].filename).name}:{inside[-1].lineno}"
    return f"{name}: {type(error).__name__} at {place}: {str(error)[:200]}"


class Worker:
    """A process that runs cases, one at a time."""

    def __init__(self, indexes: Mapping[str, Sound], seed: int, scratch: Path) -> None:
        fork = multiprocessing.get_context("fork")
        self._pipe, theirs = fork.Pipe()
        self._process = fork.Process(target=_serve, args=(theirs, indexes, seed, scratch), daemon=True)
        self._process.start()
        theirs.close()

    def run(self, case: Case) -> Outcome:
        """Return the outcome of a case. If the process dies or hangs, that is the finding, and `is_alive` is False."""
        question = "open"
        try:
            self._pipe.send(case)
            while self._pipe.poll(SILENCE_S):
                message: str | Outcome = self._pipe.recv()
                if isinstance(message, Outcome):
                    return message
                question = message
            end = f"no answer after {SILENCE_S} s"
        except (EOFError, OSError):
            self._process.join()
            end = f"the process died with exit code {self._process.exitcode}"
        self.end()
        return Outcome(opened=question != "open", verified=False, is_changed=True, findings=(f"{question}: {end}",))

    @property
    def is_alive(self) -> bool:
        """Whether the process can run another case."""
        return self._process.is_alive()

    def end(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.join()
        self._pipe.close()


def _serve(pipe: Connection, indexes: Mapping[str, Sound], seed: int, scratch: Path) -> None:
    faulthandler.enable(2)
    own = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (own + _MOST_BYTES,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    while True:
        case: Case = pipe.recv()
        pipe.send(run_case(case, indexes[case.index], seed, scratch, pipe.send))


def campaign(
    todo: Iterable[Case], indexes: Mapping[str, Sound], seed: int, scratch: Path
) -> Iterator[tuple[Case, Outcome]]:
    """Run cases, in another process after each that ends one."""
    worker = Worker(indexes, seed, scratch)
    try:
        for case in todo:
            if not worker.is_alive:
                worker = Worker(indexes, seed, scratch)
            yield case, worker.run(case)
    finally:
        worker.end()
