"""The state of a running service, created by the lifespan of the app and kept at `app.state.runtime`."""

from __future__ import annotations

import asyncio
import ctypes
import errno
import resource
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Final, NamedTuple, TypeVar

from fastapi import Request

import infgram

from .changes.jobs import Jobs
from .indexes import OpenError, ServedIndexes
from .middleware.api_keys import Keys, Rates
from .middleware.metrics import Metrics
from .models import Models
from .problems import ProblemError
from .server import logs
from .settings import Settings

T = TypeVar("T")

RETRY_AFTER_S: Final = 1

BUSY_DISK_S: Final = 1.0
"""After an answer on the event loop waited for the disk, threads run all queries for this long."""

CHECK_FILES_EVERY_S: Final = 2.0
"""Time between two looks at the files of the indexes: one system call per file."""

_WHO: Final = getattr(resource, "RUSAGE_THREAD", resource.RUSAGE_SELF)


class ReloadError(Exception):
    """Raised when a reload fails; the old indexes and keys remain in use."""


@dataclass(frozen=True)
class Worker:
    """This process among those that share an address.

    Attributes:
        number: from 0.
        counters: the file of the shared counters; None if there is one process only.
        jobs: the folder of the jobs; None if there is one process only.
        notify_others: makes all other workers reload.
    """

    number: int = 0
    counters: Path | None = None
    jobs: Path | None = None
    notify_others: Callable[[], None] = lambda: None


class Slots:
    """Limits how many queries run at a time, and how many wait, first come, first served.

    Used on one event loop.

    Args:
        n_running: the number of slots.
        max_waiting: the most queries that wait.
        max_wait_s: the longest time that one waits.
    """

    def __init__(self, n_running: int, max_waiting: int, max_wait_s: float) -> None:
        self._n_free, self._max_waiting, self._max_wait_s = n_running, max_waiting, max_wait_s
        self._waiting: OrderedDict[asyncio.Future[bool], None] = OrderedDict()

    async def acquire(self) -> None:
        """Wait for a slot; the caller must `release` it.

        Raises:
            ProblemError: all slots are taken, and too many queries are waiting already, or this one waits too long.
        """
        if self._n_free:
            self._n_free -= 1
            return
        if len(self._waiting) >= self._max_waiting:
            raise overloaded()
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[bool] = loop.create_future()
        self._waiting[turn] = None
        timer = loop.call_later(self._max_wait_s, _give_up, turn)
        try:
            if not await turn:
                raise overloaded()
        except asyncio.CancelledError:
            if not turn.cancelled() and turn.result():
                self.release()
            raise
        finally:
            timer.cancel()
            self._waiting.pop(turn, None)

    def release(self) -> None:
        """Pass the slot to the query that has waited longest."""
        while self._waiting:
            turn, _ = self._waiting.popitem(last=False)
            if not turn.done():
                turn.set_result(True)
                return
        self._n_free += 1


def _give_up(turn: asyncio.Future[bool]) -> None:
    if not turn.done():
        turn.set_result(False)


def overloaded() -> ProblemError:
    """Return the refusal of a query that cannot be answered soon."""
    return ProblemError("overloaded", headers={"Retry-After": str(RETRY_AFTER_S)})


class DiskMonitor:
    """Watches the major page faults of the event loop: whether answers find the index in memory.

    Used on one event loop.
    """

    def __init__(self) -> None:
        self._n_faults = _major_faults()
        self._idle_from = 0.0

    @property
    def is_idle(self) -> bool:
        """Whether the recent answers did not wait for the disk."""
        return monotonic() >= self._idle_from

    def update(self) -> None:
        """Look for page faults after an answer on the event loop."""
        n_faults = _major_faults()
        if n_faults != self._n_faults:
            self._n_faults, self._idle_from = n_faults, monotonic() + BUSY_DISK_S


def _major_faults() -> int:
    return resource.getrusage(_WHO).ru_majflt


class _NotOpened(NamedTuple):
    """A state of an index that could not be opened.

    Attributes:
        identity: that of `ServedIndex`.
        may_pass: whether it is worth another try.
    """

    identity: tuple[int, ...]
    may_pass: bool


def _may_pass(reason: Exception) -> bool:
    """Return whether the system is at fault, not the index: reading failed, or memory or descriptors ran out."""
    if isinstance(reason, infgram.StorageError | MemoryError):
        return True
    return isinstance(reason, OSError) and reason.errno in (errno.EMFILE, errno.ENFILE, errno.ENOMEM)


class Runtime:
    """Indexes, keys, threads and slots of one process.

    Attributes:
        indexes: the indexes that are served.
        keys: the API keys; None if no key is required.
        rates: the request rate of each client.
        slots: one for each thread of the pool.
        metrics: the counters of this worker.
        jobs: the changes of the indexes.
        large_change: held while a change is read whose body may be larger than that of a query: one at a time.
        disk: whether recent answers waited for the disk.
        openapi: the OpenAPI document, computed on first request.
        is_draining: set once the process has been told to stop; it is no longer ready.
    """

    def __init__(self, settings: Settings, operations: Sequence[str], worker: Worker) -> None:
        """Open the indexes and read the keys.

        Raises:
            IndexNotFoundError, IndexDamagedError, IndexVersionError, TokenizerError: an index cannot be opened.
            StorageError, InputError: the keys cannot be read.
        """
        self.settings, self.worker = settings, worker
        self.keys = first_keys(settings)
        self.indexes = ServedIndexes(settings.indexes, partial(open_index, settings), Models(settings).load)
        self.rates = Rates()
        self.slots = Slots(settings.max_concurrency, settings.max_waiting, settings.max_wait_s)
        self.metrics = Metrics(operations, worker.counters, worker.number, settings.workers if worker.counters else 1)
        self.jobs = Jobs(settings, worker.jobs)
        self.large_change = asyncio.Lock()
        self.is_draining = False
        self.openapi: bytes | None = None
        self.disk = DiskMonitor()
        self._threads = ThreadPoolExecutor(settings.max_concurrency, thread_name_prefix="answer")
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="reader")
        self._reloading = asyncio.Lock()
        self._failing: dict[tuple[str, str | None], str] = {}  # by part of `watch_files` and index
        self._not_opened: dict[str | None, _NotOpened] = {}  # the states that could not be opened, by index

    def on_thread(self, function: Callable[[], T]) -> asyncio.Future[T]:
        """Run a search in the thread pool; native calls release the interpreter's lock."""
        return asyncio.get_running_loop().run_in_executor(self._threads, function)

    def on_reader(self, function: Callable[[], T]) -> asyncio.Future[T]:
        """Decode or validate a large body. One at a time, since this holds the interpreter's lock."""
        return asyncio.get_running_loop().run_in_executor(self._reader, function)

    async def reload(self) -> list[str]:
        """Reopen the indexes that have changed on disk, and reread the keys; return the names of the changed indexes.

        Running queries finish with the index that they began with. If anything cannot be opened, nothing changes, and
        the log, `/readyz` and the metrics report it.

        Raises:
            ReloadError: an index cannot be opened, or the keys cannot be read; names it and the reason.
        """
        async with self._reloading:
            try:
                keys = read_keys(self.settings)
                reopened = await asyncio.to_thread(self.indexes.reopen)
            except (OpenError, infgram.InfgramError) as error:
                self._report(error)
                raise ReloadError(error) from error
            replaced = self.indexes.replace(reopened)
            self.keys = keys
            self._not_opened.clear()
            self.metrics.reload_succeeded()
            await asyncio.to_thread(_trim_heap)
        logs.write("reloaded", indexes=replaced)
        if keys is not None and len(keys) == 0:
            logs.write(
                "no_keys",
                level="warning",
                detail=f"{self.settings.api_keys_file} contains no key: all requests are refused",
            )
        return replaced

    async def reload_changed(self) -> None:
        """Reopen each index of which another state is on disk.

        A state that cannot be opened is tried once; again, without another log line, if the system is at fault, as
        without free file descriptors.
        """
        async with self._reloading:
            changed = await asyncio.to_thread(self.indexes.changed)
            for name, identity in changed.items():
                if self._not_opened.get(name) == _NotOpened(identity, may_pass=False):
                    continue
                try:
                    reopened = await asyncio.to_thread(self.indexes.reopen, [name])
                except OpenError as error:
                    self._report(error, identity)
                    continue
                replaced = self.indexes.replace(reopened)
                if self._not_opened.pop(name, None) is not None and not self._not_opened:
                    self.metrics.reload_succeeded()
                await asyncio.to_thread(_trim_heap)
                logs.write("reloaded", indexes=replaced)

    def _report(self, error: Exception, identity: tuple[int, ...] = ()) -> None:
        """Log a failed reload, the same one of a state once, and show it at `/readyz` until a reload succeeds."""
        name, reason = (error.name, error.reason) if isinstance(error, OpenError) else (None, error)
        not_opened = _NotOpened(identity, _may_pass(reason))
        if identity and self._not_opened.get(name) == not_opened:
            return
        self._not_opened[name] = not_opened
        self.metrics.reload_failed(reason)
        logs.write("not_reloaded", level="error", index=name, error=type(reason).__name__, detail=str(error))

    async def watch_files(self) -> None:
        """Look regularly after the indexes and their jobs; runs until it is cancelled.

        Files that were changed in place are damage, other states on disk are opened, and jobs are started. Whatever
        fails for one index is logged, and tried again the next time.
        """
        while True:
            await asyncio.sleep(CHECK_FILES_EVERY_S)
            for name, served in [*self.indexes.items()]:
                await self._watch("check_files", name, asyncio.to_thread(served.check_files))
            if self.settings.auto_reload:
                await self._watch("reload", None, self.reload_changed())
            for name in self.settings.indexes:
                await self._watch("jobs", name, asyncio.to_thread(self.jobs.tend, name))

    async def _watch(self, step: str, index: str | None, work: Awaitable[None]) -> None:
        """Do a part of `watch_files`. If it fails, the log says so, once until it succeeds."""
        try:
            await work
        except Exception as error:  # noqa: BLE001  # whatever it is, the other parts go on
            if self._failing.get((step, index)) != str(error):
                self._failing[step, index] = str(error)
                fields = logs.error_fields(error)
                logs.write("watch_failed", level="error", step=step, index=index, detail=str(error), **fields)
        else:
            self._failing.pop((step, index), None)

    def close(self) -> None:
        """Close the indexes; a running search keeps its files open until it ends. Kill the jobs of this worker."""
        self.jobs.close()
        for threads in (self._threads, self._reader):
            threads.shutdown(wait=False, cancel_futures=True)
        self.indexes.close()


@asynccontextmanager
async def running(settings: Settings, operations: Sequence[str], worker: Worker) -> AsyncIterator[Runtime]:
    """Open the indexes and look after their files, until the end of a `with` block closes them.

    Raises:
        The errors of `Runtime`.
    """
    runtime = Runtime(settings, operations, worker)
    watching = asyncio.create_task(runtime.watch_files())
    try:
        yield runtime
    finally:
        watching.cancel()
        runtime.close()


def runtime_of(request: Request) -> Runtime:
    """Return the runtime of the app that received a request."""
    runtime: Runtime = request.app.state.runtime
    return runtime


def open_index(settings: Settings, name: str) -> infgram.Index:
    """Open an index as the settings say: mapped or loaded, verified or not."""
    index = infgram.open(settings.indexes[name], load=settings.load, tokenizer=settings.tokenizers.get(name))
    try:
        if settings.verify:
            index.verify()
    except BaseException:
        index.close()
        raise
    return index


def read_keys(settings: Settings) -> Keys | None:
    """Read the key file of the settings; return None if none is configured.

    Raises:
        StorageError: the file cannot be read.
        InputError: a line is malformed.
    """
    return None if settings.api_keys_file is None else Keys.read(settings.api_keys_file)


def first_keys(settings: Settings) -> Keys | None:
    """Read the key file when the service starts: it must contain a key.

    Raises:
        StorageError: the file cannot be read.
        InputError: a line is malformed, or there is no key.
    """
    keys = read_keys(settings)
    if keys is not None and len(keys) == 0:
        raise infgram.InputError(
            f"{settings.api_keys_file} contains no key, so all requests would be refused; `infgram api-key` adds one"
        )
    return keys


def _trim_heap() -> None:
    """Return the memory of replaced indexes to the system; glibc would keep it, and more after each reload."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
