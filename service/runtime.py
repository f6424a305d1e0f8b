"""What a running service holds, made by the lifespan of the app and found at `app.state.runtime`."""

from __future__ import annotations

import asyncio
import ctypes
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from fastapi import Request

import infgram

from . import logs
from .disk import Disk
from .indexes import NotOpenedError, ServedIndexes
from .keys import Keys
from .locations import Location
from .metrics import Metrics
from .models import load_model
from .rates import Rates
from .settings import Settings
from .slots import Slots

T = TypeVar("T")


class NotReloadedError(Exception):
    """What was served before still is."""


@dataclass(frozen=True)
class Worker:
    """One of the processes that serve together; alone unless told otherwise.

    Attributes:
        number: from 0.
        counters: the file in which all of them count; None for one alone.
        tell_others: has all the others reload.
    """

    number: int = 0
    counters: Path | None = None
    tell_others: Callable[[], None] = lambda: None


class Runtime:
    """Indexes, keys, threads and places of one process.

    Attributes:
        indexes: those that are served.
        keys: of those who may ask; None where all may.
        rates: how often each of them has asked.
        slots: the places to answer in, as many as threads.
        metrics: what is counted.
        disk: whether answers wait for it.
        openapi: the OpenAPI document, once it has been asked for.
        is_draining: set when the process has been told to stop; it is not ready for more.
    """

    def __init__(self, settings: Settings, operations: Sequence[str], worker: Worker) -> None:
        """Open the indexes and read the keys.

        Raises:
            IndexNotFoundError, IndexDamagedError, IndexVersionError, TokenizerError: an index cannot be opened.
            StorageError, InputError: the keys cannot be read.
        """
        self.settings, self.worker = settings, worker
        self.keys = first_keys(settings)
        self.indexes = ServedIndexes(settings.indexes, partial(open_index, settings), partial(load_model, settings))
        self.rates = Rates()
        self.slots = Slots(settings.max_concurrency, settings.max_waiting)
        self.metrics = Metrics(operations, worker.counters, worker.number, settings.workers if worker.counters else 1)
        self.is_draining = False
        self.openapi: bytes | None = None
        self.disk = Disk()
        self._threads = ThreadPoolExecutor(settings.max_concurrency, thread_name_prefix="answer")
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="reader")
        self._reloading = asyncio.Lock()

    def on_thread(self, function: Callable[[], T]) -> asyncio.Future[T]:
        """Run a function that takes time or waits for the disk; a search releases the interpreter's lock."""
        return asyncio.get_running_loop().run_in_executor(self._threads, function)

    def on_reader(self, function: Callable[[], T]) -> asyncio.Future[T]:
        """Decode or validate a large body: one at a time, since this holds the interpreter's lock."""
        return asyncio.get_running_loop().run_in_executor(self._reader, function)

    async def reload(self) -> list[str]:
        """Put what stands on the disk now in the place of what is served; the names of those that changed.

        Answers under way finish with the index that they began with. The keys are read again, too. If anything
        cannot be opened, all stays as it is, and the log, `/readyz` and the metrics say so.

        Raises:
            NotReloadedError: an index cannot be opened, or the keys cannot be read; says which, and why.
        """
        async with self._reloading:
            try:
                keys = read_keys(self.settings)
                found = await asyncio.to_thread(self.indexes.opened_anew)
            except (NotOpenedError, infgram.InfgramError) as error:
                reason = error.reason if isinstance(error, NotOpenedError) else error
                self.metrics.reload_failed(reason)
                index = error.name if isinstance(error, NotOpenedError) else None
                logs.write("not_reloaded", level="error", index=index, error=type(reason).__name__, detail=str(error))
                raise NotReloadedError(error) from error
            replaced = self.indexes.replace(found)
            self.keys = keys
            self.metrics.reload_succeeded()
            await asyncio.to_thread(_give_back_memory)
        logs.write("reloaded", indexes=replaced)
        if keys is not None and len(keys) == 0:
            logs.write("no_keys", level="warning", detail=f"{self.settings.api_keys_file} holds no key: nobody can ask")
        return replaced

    def close(self) -> None:
        """Close the indexes; a search under way keeps its files until it ends."""
        for threads in (self._threads, self._reader):
            threads.shutdown(wait=False, cancel_futures=True)
        self.indexes.close()


def runtime_of(request: Request) -> Runtime:
    """The runtime of the app that a request came to."""
    runtime: Runtime = request.app.state.runtime
    return runtime


def open_index(settings: Settings, path: Location) -> infgram.Index:
    """One index as the settings have it: held in memory or not, verified first or not."""
    index = infgram.open(path, load=settings.load)
    try:
        if settings.verify:
            index.verify()
    except BaseException:
        index.close()
        raise
    return index


def read_keys(settings: Settings) -> Keys | None:
    """The keys of the settings' file; None where there is no file.

    Raises:
        StorageError: it cannot be read.
        InputError: a line is no key.
    """
    return None if settings.api_keys_file is None else Keys.read(settings.api_keys_file)


def first_keys(settings: Settings) -> Keys | None:
    """`read_keys` for a start, at which there must be a key if there is a file of them.

    Raises:
        StorageError: it cannot be read.
        InputError: a line is no key, or there is none.
    """
    keys = read_keys(settings)
    if keys is not None and len(keys) == 0:
        raise infgram.InputError(
            f"{settings.api_keys_file} holds no key, so nobody could ask; expected one, as `infgram api-key` adds them"
        )
    return keys


def _give_back_memory() -> None:
    """Return to the system what replaced indexes have left free; glibc would keep it, and more each time."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
