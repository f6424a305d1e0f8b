"""The jobs of one index, in a folder that all workers of the server and the process that runs the jobs share.

A job has two files: `<id>.json` is what clients see, and is replaced atomically; `<id>.request` is what to do, and is
removed when the job has ended, as is `<id>.jsonl`, the documents that it adds. Ids ascend with time, so the order of
the names is that of the queue.

Whoever changes a job holds the lock of the folder. A worker that finds it free acquires it and passes it on to a new
process, which runs all jobs of the queue and holds the lock until it ends, however it ends. So a job that is running
while the lock is free was killed. Whoever appends a job shares the lock of the folder above, so with both nobody else
writes, and a file that belongs to no job is left over from a process that was killed, or from a power loss.
"""

from __future__ import annotations

import errno
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

from pydantic import NonNegativeInt, TypeAdapter, ValidationError

import infgram

from ..problems import Problem, ProblemError
from ..schemas.responses import JobKind, JobResponse
from ..server import logs

KEPT: Final = 100
"""The jobs of each index that are kept after their end; older ones are forgotten."""

_ID: Final = re.compile(r"[0-9a-f]{24}")
_REQUEST: Final = ".request"
_DOCUMENTS: Final = ".jsonl"
_TOTALS: Final = "totals"
_UNFINISHED: Final = re.compile(rf"\.(?:{_ID.pattern}|{_TOTALS})")
_TOTALS_TYPE: Final = TypeAdapter(dict[str, NonNegativeInt])


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
            with _locked(self.folder.parent, fcntl.LOCK_SH):
                try:
                    path.write_bytes(request)
                    self._write(job_id, job.model_dump_json().encode())
                except OSError:
                    path.unlink(missing_ok=True)
                    raise
        return job

    def find(self, job_id: str) -> JobResponse | None:
        """Return a job; None if there is none with this id, or its file is damaged.

        Raises:
            StorageError: a file cannot be read.
        """
        with _storage_errors("read the job"):
            try:
                return JobResponse.model_validate_json((self.folder / f"{job_id}.json").read_bytes())
            except (FileNotFoundError, ValidationError):
                return None

    def jobs(self) -> list[JobResponse]:
        """Return all jobs, the newest first.

        Raises:
            StorageError: the folder or a file cannot be read.
        """
        found = (self.find(job_id) for job_id in reversed(self._ids(".json")))
        return [job for job in found if job is not None]

    def unfinished(self) -> list[JobResponse]:
        """Return the running and the queued jobs, in order.

        Raises:
            StorageError: the folder or a file cannot be read.
        """
        found = (self.find(job_id) for job_id in self._ids(_REQUEST))
        return [job for job in found if job is not None]

    def request_of(self, job: JobResponse) -> Any:
        """Return what a job is to do.

        Raises:
            StorageError: its file cannot be read, or is damaged.
        """
        with _storage_errors("read the job"):
            try:
                return json.loads((self.folder / f"{job.id}{_REQUEST}").read_bytes())
            except ValueError as error:
                raise infgram.StorageError(errno.EIO, "the file of the job is damaged") from error

    def documents_of(self, job: JobResponse) -> Path:
        """Return the file for the documents that a job adds, which is also their source."""
        return self.folder / f"{job.id}{_DOCUMENTS}"

    def totals(self) -> dict[str, int]:
        """Return the number of jobs that have ended, by kind and status: `{"add succeeded": 3}`.

        If their file is damaged, they begin again at 0.

        Raises:
            StorageError: the file cannot be read.
        """
        with _storage_errors("read the number of jobs"):
            try:
                return _TOTALS_TYPE.validate_json((self.folder / f"{_TOTALS}.json").read_bytes())
            except (FileNotFoundError, ValidationError):
                return {}

    def is_idle(self) -> bool:
        """Return whether no job waits or runs, and no process has left a file behind. Reads the names alone.

        Raises:
            StorageError: the folder cannot be read.
        """
        return not self._temporary()

    # With the lock

    def try_lock(self) -> int | None:
        """Acquire the lock, and clear up after a process that was killed; return None if another process has it.

        Returns:
            The descriptor that holds the lock: closing it, in every process that has it, releases the lock.

        Raises:
            StorageError: a file cannot be read, written or removed.
        """
        with _storage_errors("lock the jobs"):
            lock = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                if not relock(lock):
                    os.close(lock)
                    return None
                with _locked(self.folder.parent, fcntl.LOCK_EX):
                    self._clear_up()
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
        """Mark a job as succeeded or failed, and forget the oldest ones. One that has ended stays as it is.

        Raises:
            StorageError: a file cannot be written; the call may be repeated.
        """
        with _storage_errors("end the job"):
            if job.finished is None:
                status = "failed" if error else "succeeded"
                job = self.update(job, status=status, result=result, error=error, finished=_now())
                name, totals = f"{job.kind} {status}", self.totals()
                self._write(_TOTALS, json.dumps({**totals, name: totals.get(name, 0) + 1}).encode())
                logs.write(
                    "job",
                    level="error" if error else "info",
                    index=self.name,
                    job=job.id,
                    kind=job.kind,
                    status=status,
                    error=error and error.code,
                )
            (self.folder / f"{job.id}{_REQUEST}").unlink(missing_ok=True)
            waiting = {*self._ids(_REQUEST)}
            for old in [job_id for job_id in self._ids(".json") if job_id not in waiting][:-KEPT]:
                (self.folder / f"{old}.json").unlink(missing_ok=True)

    def _clear_up(self) -> None:
        """Fail the jobs of a process that was killed, and remove damaged jobs and files that belong to no job.

        The caller has both locks.
        """
        waiting = {*self._ids(_REQUEST)}
        for job_id, job in [(job_id, self.find(job_id)) for job_id in self._ids(".json")]:
            if job is None:
                logs.write("job_damaged", level="error", index=self.name, job=job_id)
                (self.folder / f"{job_id}.json").unlink(missing_ok=True)
            elif job.finished is None and (job.status != "queued" or job_id not in waiting):
                self.end(job, error=ProblemError("job_killed").problem)
        kept = {f"{job.id}{_REQUEST}" for job in self.unfinished() if job.finished is None}
        for name in self._temporary():
            if name not in kept:
                (self.folder / name).unlink(missing_ok=True)

    def _temporary(self) -> list[str]:
        """Return the files that are removed when their job has ended, or replace another one at once."""
        return [
            name
            for name in self._names()
            if _UNFINISHED.fullmatch(name)
            or (name.endswith((_REQUEST, _DOCUMENTS)) and _ID.fullmatch(name.partition(".")[0]))
        ]

    def _ids(self, suffix: str) -> list[str]:
        paths = [Path(name) for name in self._names()]
        return sorted(path.stem for path in paths if path.suffix == suffix and _ID.fullmatch(path.stem))

    def _names(self) -> list[str]:
        with _storage_errors("read the jobs"):
            try:
                return os.listdir(self.folder)
            except FileNotFoundError:
                return []

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
def _locked(folder: Path, kind: int) -> Iterator[None]:
    """Hold a lock of a folder, waiting for it: `fcntl.LOCK_SH` or `fcntl.LOCK_EX`."""
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, kind)
        yield
    finally:
        os.close(lock)


@contextmanager
def _storage_errors(action: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if isinstance(error, infgram.InfgramError):
            raise
        raise infgram.StorageError(error.errno, f"cannot {action}: {error.strerror}") from error
