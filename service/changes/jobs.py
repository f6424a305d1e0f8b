"""The jobs of all indexes, as one worker sees them: it accepts them, and starts the processes that run them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from threading import Lock
from typing import Final

import infgram

from ..problems import ProblemError
from ..schemas.responses import JobKind, JobResponse
from ..server import logs
from ..settings import Settings
from .queue import Queue, is_job_id

RETRY_AFTER_S: Final = 5
_PROGRAM: Final = f"""import json, sys
sys.path[:] = json.loads(sys.argv[1])
from {__package__}.process import main
main(sys.argv[2:])"""


class Jobs:
    """The jobs of all indexes. Any number of threads may use it.

    Args:
        settings: the indexes, and the settings of jobs.
        folder: the folder that all workers share; None if there is one process only.
    """

    def __init__(self, settings: Settings, folder: Path | None) -> None:
        self._settings = settings
        self._folder = settings.jobs_folder or folder
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._processes: list[subprocess.Popen[bytes]] = []
        self._unavailable: dict[str, str] = {}  # why the jobs cannot be read or written, by index
        self._lock = Lock()
        self._is_closed = False

    def add(self, name: str, kind: JobKind, request: bytes) -> JobResponse:
        """Append a job to the queue of an index, and start a process for it unless one is running.

        Raises:
            ProblemError: too many jobs of this index are waiting, or the job cannot be stored, as on a full disk.
        """
        with self._lock:
            if self._folder is None:
                self._temporary = tempfile.TemporaryDirectory(prefix="infgram-jobs-")
                self._folder = Path(self._temporary.name)
        queue = Queue(name, self._folder / name)
        try:
            if len(queue.unfinished()) >= self._settings.max_jobs:
                raise ProblemError("too_many_jobs", headers={"Retry-After": str(RETRY_AFTER_S)})
            job = queue.add(kind, request)
        except infgram.StorageError as error:
            logs.write("job_not_stored", level="error", index=name, detail=str(error))
            raise ProblemError("storage_error", f"The server {error.strerror}; retry later.") from error
        self._tend(queue)  # a job that is stored is accepted, whatever happens here
        return job

    def find(self, name: str, job_id: str) -> JobResponse:
        """Return a job of an index.

        Raises:
            ProblemError: there is none with this id.
        """
        queue = self._queue(name)
        job = queue.find(job_id) if queue is not None and is_job_id(job_id) else None
        if job is not None and queue is not None and job.status == "running":
            self._tend(queue)  # it may have been killed
            job = queue.find(job_id)
        if job is None:
            raise ProblemError("unknown_job")
        return job

    def of_index(self, name: str) -> list[JobResponse]:
        """Return the jobs of an index, the newest first."""
        queue = self._queue(name)
        if queue is None:
            return []
        self._tend(queue)
        return queue.jobs()

    def tend(self, name: str) -> None:
        """Fail the jobs of an index whose process was killed, and start a process if jobs are queued.

        If their files cannot be read or written, the log reports it once.
        """
        queue = self._queue(name)
        if queue is not None:
            self._tend(queue)

    def totals(self) -> Iterator[tuple[str, str, str, int]]:
        """Yield the number of jobs that have ended, by index, kind and status; none of a queue that cannot be read."""
        for name in self._settings.indexes:
            queue = self._queue(name)
            try:
                totals = {} if queue is None else queue.totals()
            except infgram.StorageError:  # `tend` reports it
                continue
            for key, n in sorted(totals.items()):
                kind, _, status = key.partition(" ")
                yield name, kind, status, n

    def close(self) -> None:
        """Kill the processes that this worker started, which leaves each index in its old or its new state."""
        with self._lock:
            self._is_closed = True
            for process in self._processes:
                process.kill()
                process.wait()
            self._reap()
            if self._temporary is not None:
                self._temporary.cleanup()

    def _queue(self, name: str) -> Queue | None:
        return None if self._folder is None else Queue(name, self._folder / name)

    def _tend(self, queue: Queue) -> None:
        with self._lock:
            if self._is_closed:
                return
            self._reap()
            try:
                self._run_queued(queue)
            except infgram.StorageError as error:
                if self._unavailable.get(queue.name) != str(error):
                    self._unavailable[queue.name] = str(error)
                    logs.write("jobs_unavailable", level="error", index=queue.name, detail=str(error))
            else:
                self._unavailable.pop(queue.name, None)

    def _run_queued(self, queue: Queue) -> None:
        lock = None if queue.is_idle() else queue.try_lock()
        if lock is None:
            return
        try:
            if queue.unfinished():
                self._start(queue, lock)
        finally:
            os.close(lock)

    def _start(self, queue: Queue, lock: int) -> None:
        """Start a process that runs the jobs of an index; it inherits the lock. The log reports a failure.

        Its standard input is a pipe that this worker holds and never writes to: when the worker ends, the process does.
        """
        path, memory_bytes = self._settings.indexes[queue.name], self._settings.job_memory_bytes
        command = [sys.executable, "-c", _PROGRAM, json.dumps(sys.path), str(lock), queue.name, str(queue.folder)]
        try:
            process = subprocess.Popen(
                [*command, str(path), str(memory_bytes or "")],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                pass_fds=[lock],
                start_new_session=True,  # Ctrl-C is for the server, whose end is that of this process
            )
        except OSError as error:
            logs.write("job_not_started", level="error", index=queue.name, detail=str(error))
        else:
            self._processes.append(process)

    def _reap(self) -> None:
        """Forget the processes that have ended."""
        for process in [process for process in self._processes if process.poll() is not None]:
            self._processes.remove(process)
            if process.stdin is not None:
                process.stdin.close()
