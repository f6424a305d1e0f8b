"""The jobs of one index, in a folder that all workers of the server and the process that runs the jobs share.

A job has two files: `<id>.json` is what clients see, and is replaced atomically; `<id>.request` is what to do, and is
removed when the job has ended. Ids ascend with time, so the order of the names is that of the queue.

Whoever changes a job holds the lock of the folder. A worker that finds it free acquires it and passes it on to a new
process, which runs all jobs of the queue and holds the lock until it ends, however it ends. So a job that is running
while the lock is free was killed.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Final

import infgram

from ..problems import Problem, ProblemError
from ..schemas.responses import JobKind, JobResponse
from ..server import logs

KEPT: Final = 100
"""The jobs of each index that are kept after their end; older ones are forgotten."""

_ID: Final = re.compile(r"[0-9a-f]{24}")
_REQUEST: Final = ".request"
_TOTALS: Final = "totals"


class Queue:
    """The jobs of one index."""

    def __init__(self, name: str, folder: Path) -> None:
        """Use a folder, which `add` creates.

        Args:
            name: the name of the index.
            folder: the folder of its jobs.
        """
        self.name, self.folder = name, folder

    def add(self, kind: JobKind, request: bytes) -> JobResponse:
        """Append a job.

        Raises:
            StorageError: a file cannot be written.
        """
        job_id = f"{time.time_ns():016x}{secrets.token_hex(4)}"
        job = JobResponse(id=job_id, index=self.name, kind=kind, status="queued", created=_now())
        with _storage_errors("accept the job"):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            path = self.folder / f"{job_id}{_REQUEST}"
            try:
                path.write_bytes(request)
                self._write(job_id, job.model_dump_json().encode())
            except OSError:
                path.unlink(missing_ok=True)
                raise
        return job

    def find(self, job_id: str) -> JobResponse | None:
        """Return a job; None if there is none with this id.

        Raises:
            StorageError: a file cannot be read.
        """
        with _storage_errors("read the job"):
            try:
                return JobResponse.model_validate_json((self.folder / f"{job_id}.json").read_bytes())
            except FileNotFoundError:
                return None

    def jobs(self) -> list[JobResponse]:
        """Return all jobs, the newest first."""
        found = (self.find(job_id) for job_id in reversed(self._ids(".json")))
        return [job for job in found if job is not None]

    def unfinished(self) -> list[JobResponse]:
        """Return the running and the queued jobs, in order. O(1) if there are none."""
        found = (self.find(job_id) for job_id in self._ids(_REQUEST))
        return [job for job in found if job is not None]

    def request_of(self, job: JobResponse) -> Any:
        """Return what a job is to do."""
        with _storage_errors("read the job"):
            return json.loads((self.folder / f"{job.id}{_REQUEST}").read_bytes())

    def totals(self) -> dict[str, int]:
        """Return the number of jobs that have ended, by kind and status: `{"add succeeded": 3}`."""
        try:
            totals: dict[str, int] = json.loads((self.folder / f"{_TOTALS}.json").read_bytes())
        except OSError:
            return {}
        return totals

    # With the lock

    def try_lock(self) -> int | None:
        """Acquire the lock, and fail the jobs of a process that was killed; return None if another process has it.

        Returns:
            The descriptor that holds the lock: closing it, in every process that has it, releases the lock.
        """
        with _storage_errors("lock the jobs"):
            lock = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                if not relock(lock):
                    os.close(lock)
                    return None
                for job in self.unfinished():
                    if job.status != "queued":
                        self.end(job, error=ProblemError("job_killed").problem)
            except BaseException:
                os.close(lock)
                raise
        return lock

    def begin(self, job: JobResponse) -> JobResponse:
        """Mark a job as running."""
        return self.update(job, status="running", started=_now())

    def update(self, job: JobResponse, **fields: Any) -> JobResponse:
        """Replace fields of a job.

        Raises:
            StorageError: the file cannot be written.
        """
        job = job.model_copy(update=fields)
        with _storage_errors("write the job"):
            self._write(job.id, job.model_dump_json().encode())
        return job

    def end(self, job: JobResponse, *, result: Any = None, error: Problem | None = None) -> None:
        """Mark a job as succeeded or failed, and forget the oldest ones. One that has ended stays as it is."""
        if job.finished is None:
            status = "failed" if error else "succeeded"
            job = self.update(job, status=status, result=result, error=error, finished=_now())
            logs.write(
                "job",
                level="error" if error else "info",
                index=self.name,
                job=job.id,
                kind=job.kind,
                status=status,
                error=error and error.code,
            )
            name, totals = f"{job.kind} {status}", self.totals()
            self._write(_TOTALS, json.dumps({**totals, name: totals.get(name, 0) + 1}).encode())
        (self.folder / f"{job.id}{_REQUEST}").unlink(missing_ok=True)
        waiting = {*self._ids(_REQUEST)}
        for old in [job_id for job_id in self._ids(".json") if job_id not in waiting][:-KEPT]:
            (self.folder / f"{old}.json").unlink(missing_ok=True)

    def _ids(self, suffix: str) -> list[str]:
        try:
            paths = [Path(name) for name in os.listdir(self.folder)]
        except FileNotFoundError:
            return []
        return sorted(path.stem for path in paths if path.suffix == suffix and _ID.fullmatch(path.stem))

    def _write(self, stem: str, content: bytes) -> None:
        """Replace `<stem>.json`. It need not survive a power loss, so it is not flushed."""
        unfinished = self.folder / f".{stem}"
        unfinished.write_bytes(content)
        unfinished.replace(self.folder / f"{stem}.json")


def relock(lock: int) -> bool:
    """Try to lock a folder that is open."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_job_id(text: str) -> bool:
    """Return whether a text can be the id of a job; others are never part of a path."""
    return _ID.fullmatch(text) is not None


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds")


@contextmanager
def _storage_errors(action: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if isinstance(error, infgram.InfgramError):
            raise
        raise infgram.StorageError(error.errno, f"cannot {action}: {error.strerror}") from error
