"""Stop a build at its system calls, one after the other; run by `test_crash.py` with `system_calls.cpp` preloaded.

    python crash_points.py CORPUS FOLDER OPERATION HOW FIRST STEP

OPERATION is "build" or "overwrite". HOW is "kill", the name of an errno, or "power": the power is lost after the call.
The calls FIRST, FIRST + STEP, … are tried. Afterwards the output must be absent, the old index or the new one, to the
byte; and the same command must finish the build, again to the byte. Prints the number of points, and each fault found.
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
from tests.indexing.disk_model import Disk, Lost, read_log
from tests.indexing.resuming import OPTIONS, check_whole_or_absent, content

calls = ctypes.CDLL(None)
calls.fault_count.restype = ctypes.c_int64
calls.fault_failed.restype = ctypes.c_char_p

FINISHED, FAILED, BROKEN, IGNORED = range(4)
NEVER = -1


class Points:
    """The points of one operation.

    Args:
        corpus: the input.
        folder: the folder that the library for LD_PRELOAD watches; emptied for each point.
        overwrite: whether an old index is replaced.
    """

    def __init__(self, corpus: Path, folder: Path, *, overwrite: bool) -> None:
        self.output = folder / "x"
        self._folder = folder
        self._corpus = corpus
        self._aside = folder.with_name(f"{folder.name}.aside")
        self._overwrite = overwrite
        self._aside.mkdir()
        self.old: dict[str, bytes] | None = None
        if overwrite:
            _in_child(lambda: infgram.build_from_tokens([[1, 2], [2]], self._aside / "x", vocab_size=3).close())
            self.old = content(self._aside / "x")
        self.n_calls = self._count()
        self.new = content(self.output)

    def reset(self) -> None:
        for path in self._folder.iterdir():
            shutil.rmtree(path)
        if self._overwrite:
            shutil.copytree(self._aside / "x", self.output)

    def build(self) -> None:
        options: dict[str, Any] = {**OPTIONS, "threads": 1, "overwrite": self._overwrite}
        infgram.build(self._corpus, self.output, **options).close()

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
            after = content(self.output) if check_whole_or_absent(self.output) else None
        except infgram.InfgramError as error:
            return f"the output is damaged: {error}"
        if after not in (self.new, self.old):
            return "neither the old index nor the new one"
        if after == self.new and not self._overwrite:
            return None
        if _in_child(self.build) != FINISHED:
            return "the same command does not finish the build"
        if content(self.output) != self.new:
            return "the same command gives another index"
        return None

    def disk(self) -> Disk:
        disk = Disk(self._folder)
        if self._overwrite:
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
    points = Points(Path(corpus), Path(folder), overwrite=operation == "overwrite")
    if how == "power":
        n_tried, faults = powerless(points, int(first), int(step))
    else:
        n_tried, faults = stopped(points, how, int(first), int(step))
    sys.stdout.write(json.dumps({"n_calls": points.n_calls, "n_tried": n_tried, "faults": faults}))


if __name__ == "__main__":
    main(*sys.argv[1:])
