"""The process that runs the jobs of one index, one after the other, until the queue is empty.

Its arguments are LOCK NAME FOLDER INDEX MEMORY_BYTES. LOCK is the descriptor that holds the lock of the queue; the
others come from the settings, never from a request. Queries run in other processes: a job takes neither their memory
nor their interpreter's lock, and gives way to them when the processor is busy.
"""

from __future__ import annotations

import fcntl
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from threading import Thread
from typing import Any, Final, TypeVar

import infgram

from ..problems import Problem, ProblemError, of_exception
from ..schemas.responses import AdditionResult, CompactionResult, DeletionResult, JobProgress, JobResponse
from ..server import logs
from .queue import Queue, relock

T = TypeVar("T")

NICE: Final = 10
PROGRESS_EVERY_S: Final = 0.25
OTHER_WRITER_S: Final = 1.0
"""Time between two attempts while another program changes the index, or the disk is full."""

_MOST_CHARACTERS: Final = 500


def main(arguments: list[str]) -> None:
    """Run jobs until none is left."""
    lock, name, folder, path, memory_bytes = arguments
    Thread(target=_end_with_the_worker, daemon=True).start()
    os.nice(NICE)
    queue, index = Queue(name, Path(folder)), Path(path)
    while True:
        for job in _when_stored(queue, queue.unfinished):
            _run(queue, job, index, int(memory_bytes) if memory_bytes else None)
        if not _when_stored(queue, queue.unfinished):
            fcntl.flock(int(lock), fcntl.LOCK_UN)
            # A worker that has added a job in between found the folder locked, and relies on this process.
            if not (queue.unfinished() and relock(int(lock))):
                return


def _end_with_the_worker() -> None:
    """End this process at once when the worker that started it has ended. A change survives that at any moment."""
    os.read(sys.stdin.fileno(), 1)
    os._exit(1)


def _run(queue: Queue, job: JobResponse, index: Path, memory_bytes: int | None) -> None:
    report = _Reporter(queue, _when_stored(queue, lambda: queue.begin(job)))
    result, problem = None, None
    try:
        request, change = queue.request_of(job), _CHANGES[job.kind]
        options = {"memory": memory_bytes, "if_generation": request.pop("if_generation", None), "progress": report}
        while True:
            try:
                result = change(queue, job, index, request, options)
                break
            except infgram.IndexExistsError:  # another program has the lock of the library
                report(infgram.BuildProgress("wait", 0, 0, "changes"))
                time.sleep(OTHER_WRITER_S)
    except Exception as error:  # noqa: BLE001  # whatever it is, the job ends with it, and the log gets a line
        problem = _problem(error, queue, index)
        if problem.code == "internal_error":
            logs.write("failure", level="error", job=job.id, **logs.error_fields(error))
    _when_stored(queue, lambda: queue.end(report.job, result=result, error=problem))


def _when_stored(queue: Queue, action: Callable[[], T]) -> T:
    """Repeat an action until the files of the queue can be read and written, as a full disk cannot; log it once.

    Raises:
        StorageError: the folder of the queue is gone.
    """
    is_logged = False
    while True:
        try:
            return action()
        except infgram.StorageError as error:
            if not queue.folder.exists():
                raise
            if not is_logged:
                logs.write("job_waits", level="error", index=queue.name, detail=str(error))
            is_logged = True
            time.sleep(OTHER_WRITER_S)


def _add(queue: Queue, job: JobResponse, index: Path, request: Any, options: dict[str, Any]) -> AdditionResult:
    documents = request["documents"]
    if "token_ids" in documents[0]:
        added = infgram.add_from_tokens(index, [document["token_ids"] for document in documents], **options)
    else:
        file = queue.documents_of(job)
        try:
            with file.open("w", encoding="utf-8") as lines:
                lines.writelines(f"{json.dumps(document)}\n" for document in documents)
            added = infgram.add(index, file, format="jsonl", **options)
        finally:
            file.unlink(missing_ok=True)
    return AdditionResult(**asdict(added))


def _delete(_queue: Queue, _job: JobResponse, index: Path, request: Any, options: dict[str, Any]) -> DeletionResult:
    return DeletionResult(**asdict(infgram.delete(index, **request, **options)))


def _compact(_queue: Queue, _job: JobResponse, index: Path, _request: Any, options: dict[str, Any]) -> CompactionResult:
    return CompactionResult(**asdict(infgram.compact(index, **options)))


_CHANGES: Final[dict[str, Callable[..., AdditionResult | DeletionResult | CompactionResult]]] = {
    "add": _add,
    "delete": _delete,
    "compact": _compact,
}


class _Reporter:
    """Writes the progress of a job from time to time."""

    def __init__(self, queue: Queue, job: JobResponse) -> None:
        self.job = job
        self._queue, self._next, self._stage = queue, 0.0, ""

    def __call__(self, progress: infgram.BuildProgress) -> None:
        now = time.monotonic()
        if now >= self._next or progress.stage != self._stage:
            self._next, self._stage = now + PROGRESS_EVERY_S, progress.stage
            self.job = self._queue.update(self.job, progress=JobProgress(**progress._asdict()))


def _problem(error: Exception, queue: Queue, index: Path) -> Problem:
    """Return the problem of a failed job, with the message of the library, in which names take the place of paths."""
    problem = of_exception(error).problem
    if isinstance(error, infgram.InfgramError):
        detail = str(error)
        for path in (index.resolve(), index):
            detail = detail.replace(str(path), queue.name)
        detail = detail.replace(f"{queue.folder}{os.sep}", "")
        code = "invalid_input" if isinstance(error, infgram.InputError) else problem.code
        problem = ProblemError(code, detail[:_MOST_CHARACTERS]).problem
    return problem
