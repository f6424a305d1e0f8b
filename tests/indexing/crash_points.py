"""Stop a build at its system calls, one after the other; run by `test_crash.py` with `system_calls.cpp` preloaded.

    python crash_points.py CORPUS FOLDER OPERATION HOW FIRST STEP

OPERATION is build, overwrite, convert, add, delete, compact or purge. HOW is "kill", the name of an errno, or "power"
for a power loss after the call. The calls FIRST, FIRST + STEP, … are tried. Afterwards the output must be absent, the
old index or the new one, to the byte; and the same command must finish the build, again to the byte. In a changed
index, the files that its manifest names are compared; the next change removes all others. Prints the number of points,
and each fault found.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import shutil
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import infgram
from infgram.changes.writer import writing
from tests.changes.fresh import named_files
from tests.indexing.disk_model import Disk, Lost, read_log
from tests.indexing.resuming import OPTIONS, check_whole_or_absent, content, write_infini_gram

calls = ctypes.CDLL(None)
calls.fault_count.restype = ctypes.c_int64
calls.fault_failed.restype = ctypes.c_char_p

FINISHED, FAILED, BROKEN, IGNORED = range(4)
NEVER = -1


CHANGES: dict[str, Callable[[Path, Path], object]] = {
    "add": lambda output, corpus: infgram.add(output, corpus, shard_tokens=4_000, threads=1, on_error="skip"),
    "delete": lambda output, corpus: infgram.delete(output, documents=[3, 17, 40]),
    "compact": lambda output, corpus: infgram.compact(output, shard_tokens=4_000, threads=1),
    "purge": lambda output, corpus: infgram.delete(output, documents=[3, 17], purge=True, threads=1),
}


class Points:
    """The points of one operation.

    Args:
        corpus: the input.
        folder: the folder that the library for LD_PRELOAD watches; emptied for each point.
        operation: "build", "overwrite", "convert", or one of `CHANGES`.
    """

    def __init__(self, corpus: Path, folder: Path, operation: str) -> None:
        self.output = folder / "x"
        self._folder = folder
        self._corpus = corpus
        self._theirs = corpus.with_name("theirs")
        self._aside = folder.with_name(f"{folder.name}.aside")
        self._operation = operation
        self._aside.mkdir()
        self.old: dict[str, bytes] | None = None
        if operation == "convert":
            write_infini_gram(corpus, self._theirs)
        elif operation != "build":
            _in_child(self._build_old)
            self.old = content(self._aside / "x")
        self.n_calls = self._count()
        self.new = content(self.output)

    def reset(self) -> None:
        for path in self._folder.iterdir():
            shutil.rmtree(path)
        if self.old is not None:
            shutil.copytree(self._aside / "x", self.output)

    def build(self) -> None:
        if self._operation in CHANGES:
            CHANGES[self._operation](self.output, self._corpus)
            return
        if self._operation == "convert":
            infgram.convert(self._theirs, self.output, tokenizer="bytes", shard_tokens=4_000, threads=1).close()
            return
        options: dict[str, Any] = {**OPTIONS, "threads": 1, "overwrite": self._operation == "overwrite"}
        infgram.build(self._corpus, self.output, **options).close()

    def _build_old(self) -> None:
        """Build the index that is replaced, or one of three generations that is changed."""
        old = self._aside / "x"
        if self._operation == "overwrite":
            infgram.build_from_tokens([[1, 2], [2]], old, vocab_size=3).close()
            return
        options: dict[str, Any] = {**OPTIONS, "tokenizer": "bytes", "threads": 1}
        infgram.build(self._corpus, old, **options).close()
        infgram.add(old, self._corpus, on_error="skip", threads=1)
        infgram.delete(old, documents=[0, 5, 61])

    def stop(self, point: int, code: int) -> int:
        """Build, and stop at a call; return how the process ended.

        Only an error of removing files may be ignored: what is left over harms nothing.
        """

        def run() -> None:
            calls.fault_arm(ctypes.c_int64(point), code)
            self.build()
            if calls.fault_failed() != b"remove":
                os._exit(IGNORED)

        return _in_child(run)

    def log(self, path: Path) -> None:
        """Build, and log the calls."""

        def run() -> None:
            calls.fault_log(bytes(path))
            self.build()

        self.reset()
        _in_child(run)

    def fault(self) -> str | None:
        """Return what is wrong with the output, and after the same command with its result; None if all is well."""
        try:
            after = self._state() if check_whole_or_absent(self.output) else None
        except infgram.InfgramError as error:
            return f"the output is damaged: {error}"
        if after not in (self.new, self.old):
            return "neither the old index nor the new one"
        if after == self.new and self.old is None:
            return None
        is_done = after == self.new and self._operation in CHANGES
        if _in_child(self._sweep if is_done else self.build) != FINISHED:
            return "the same command does not finish the build"
        if content(self.output) != self.new:
            return "the same command gives another index"
        return None

    def _state(self) -> dict[str, bytes]:
        """Return the files of the output; of a changed index, those that its manifest names."""
        files = content(self.output)
        return {name: files[name] for name in named_files(self.output)} if self._operation in CHANGES else files

    def _sweep(self) -> None:
        """Do what each change does first."""
        with writing(self.output):
            pass

    def disk(self) -> Disk:
        disk = Disk(self._folder)
        if self.old is not None:
            disk.add(self._aside / "x")
        return disk

    def _count(self) -> int:
        path = self._aside / "count"

        def run() -> None:
            calls.fault_arm(ctypes.c_int64(NEVER), 0)
            self.build()
            path.write_text(str(calls.fault_count()))

        self.reset()
        _in_child(run)
        return int(path.read_text())


def _in_child(run: Callable[[], None]) -> int:
    """Run a function in a process of its own; return its exit code, negative for a signal."""
    child = os.fork()
    if child == 0:
        try:
            run()
        except infgram.InfgramError:
            os._exit(FAILED)
        except BaseException:  # noqa: BLE001  # a child never returns to the caller
            traceback.print_exc()
            os._exit(BROKEN)
        os._exit(FINISHED)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def stopped(points: Points, how: str, first: int, step: int) -> tuple[int, list[str]]:
    """Kill the build before each call, or let the call fail with an errno."""
    code = 0 if how == "kill" else getattr(errno, how)
    faults = []
    tried = range(first, points.n_calls, step)
    for point in tried:
        points.reset()
        ended = points.stop(point, code)
        if ended not in ((-signal.SIGKILL,) if how == "kill" else (FINISHED, FAILED)):
            faults.append(f"call {point}: the process ended with {ended}{' (error ignored)' * (ended == IGNORED)}")
        elif fault := points.fault():
            faults.append(f"call {point}: {fault}")
    return len(tried), faults


def powerless(points: Points, first: int, step: int) -> tuple[int, list[str]]:
    """Lose the power after each call, with everything lost that was not flushed, and in part."""
    log = points.output.parent.with_name("log")
    log.unlink(missing_ok=True)
    points.log(log)
    disk = points.disk()
    faults, n_tried = [], 0
    for number, call in enumerate(read_log(log)):
        disk.apply(call)
        if number < first or (number - first) % step:
            continue
        for lost in (Lost.DATA, Lost.ENTRIES, Lost.BOTH):
            for path in points.output.parent.iterdir():
                shutil.rmtree(path)
            disk.write_to(points.output.parent, lost)
            n_tried += 1
            if fault := points.fault():
                faults.append(f"after call {number} ({call.name} {call.path.name}), {lost.value} lost: {fault}")
    return n_tried, faults


def main(corpus: str, folder: str, operation: str, how: str, first: str, step: str) -> None:
    points = Points(Path(corpus), Path(folder), operation)
    if how == "power":
        n_tried, faults = powerless(points, int(first), int(step))
    else:
        n_tried, faults = stopped(points, how, int(first), int(step))
    sys.stdout.write(json.dumps({"n_calls": points.n_calls, "n_tried": n_tried, "faults": faults}))


if __name__ == "__main__":
    main(*sys.argv[1:])
