"""Several processes that answer at one address, and the one that keeps them going."""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from time import monotonic, sleep
from types import FrameType
from typing import Final, Protocol

import infgram

from . import logs
from .metrics import size_bytes
from .routes import OPERATIONS
from .runtime import Worker
from .settings import Settings

READY: Final = "ready"
RELOAD: Final = "reload"
SHORT_LIFE_S: Final = 1.0
GRACE_S: Final = 5.0
STOPPING: Final = frozenset({signal.SIGINT, signal.SIGTERM})


class Serve(Protocol):
    """What a worker does until a signal stops it."""

    def __call__(self, settings: Settings, listening: socket.socket, worker: Worker, ready: Callable[[], None]) -> None:
        """Answer on the socket; call `ready` when it does."""


def supervise(settings: Settings, listening: socket.socket, serve: Serve, ready: Callable[[], None]) -> None:
    """Keep `settings.workers` processes going until SIGINT or SIGTERM; a dead one is replaced.

    SIGHUP, or a reload that one of them is asked for, makes all of them reload.

    Args:
        settings: of the service.
        listening: the socket that all of them accept from.
        serve: what each does.
        ready: called when all of them answer for the first time.

    Raises:
        StorageError: a worker ends before it has answered at all.
    """
    n_bytes = size_bytes(len(OPERATIONS) + 1, settings.workers)
    with tempfile.NamedTemporaryFile(prefix="infgram-counters-") as counters:
        counters.truncate(n_bytes)
        crew = _Crew(settings, listening, serve, Path(counters.name))
        try:
            crew.run(ready)
        finally:
            crew.stop()


class _Crew:
    """The workers and the channels to them."""

    def __init__(self, settings: Settings, listening: socket.socket, serve: Serve, counters: Path) -> None:
        self._settings, self._listening, self._serve, self._counters = settings, listening, serve, counters
        self._context = multiprocessing.get_context("spawn")
        self._workers: dict[int, tuple[BaseProcess, Connection, float]] = {}
        self._ready: set[int] = set()
        self._were_ready = False
        self._signals: set[int] = set()
        self._wake_reader, self._wake_writer = os.pipe()
        os.set_blocking(self._wake_writer, False)

    def run(self, ready: Callable[[], None]) -> None:
        """Start all, then wait for what happens, until a signal to stop."""
        before = {
            number: signal.signal(number, self._note) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        }
        wakes_before = signal.set_wakeup_fd(self._wake_writer, warn_on_full_buffer=False)
        try:
            for number in range(self._settings.workers):
                self._start(number)
            while not self._signals & STOPPING:
                self._wait()
                if not self._were_ready and len(self._ready) == self._settings.workers:
                    self._were_ready = True
                    ready()
        finally:
            signal.set_wakeup_fd(wakes_before)
            for number, handler in before.items():
                signal.signal(number, handler)

    def stop(self) -> None:
        """Have all of them finish what they do; those that take too long are killed."""
        for process, _, _ in self._workers.values():
            process.terminate()
        end = monotonic() + self._settings.drain_s + self._settings.shutdown_s + GRACE_S
        for process, channel, _ in self._workers.values():
            process.join(max(0.0, end - monotonic()))
            if process.is_alive():
                process.kill()
                process.join()
            channel.close()
        os.close(self._wake_reader)
        os.close(self._wake_writer)

    def _start(self, number: int) -> None:
        ours, theirs = self._context.Pipe()
        arguments = (self._settings, self._listening, self._serve, number, self._counters, theirs)
        process = self._context.Process(target=_work, args=arguments, name=f"infgram worker {number}")
        process.start()
        theirs.close()
        self._workers[number] = (process, ours, monotonic())

    def _note(self, number: int, _: FrameType | None) -> None:
        self._signals.add(number)

    def _wait(self) -> None:
        """Until a signal comes, a worker says something, or one is dead."""
        channels = {channel: number for number, (_, channel, _) in self._workers.items()}
        for event in wait([self._wake_reader, *channels]):
            if event == self._wake_reader:
                os.read(self._wake_reader, 64)
            else:
                self._hear(channels[event])  # type: ignore[index]
        if signal.SIGHUP in self._signals:
            self._signals.discard(signal.SIGHUP)
            self._have_reload()

    def _hear(self, number: int) -> None:
        """What a worker says; the end of its channel is its death."""
        process, channel, started = self._workers[number]
        try:
            said = channel.recv()
        except (EOFError, OSError):
            process.join()
            self._replace(number, process, started)
            return
        if said == READY:
            self._ready.add(number)
        elif said == RELOAD:
            self._have_reload(but=number)

    def _replace(self, number: int, process: BaseProcess, started: float) -> None:
        if self._signals & STOPPING:
            return
        if not self._were_ready:
            raise infgram.StorageError(f"worker {number} ended with code {process.exitcode} before it answered")
        logs.write("worker_died", level="error", worker=number, code=process.exitcode)
        if monotonic() - started < SHORT_LIFE_S:
            sleep(SHORT_LIFE_S)
        self._ready.discard(number)
        self._workers[number][1].close()
        self._start(number)

    def _have_reload(self, *, but: int | None = None) -> None:
        """Those that are not ready yet will open what stands on the disk anyway."""
        for worker in self._ready - {but}:
            process = self._workers[worker][0]
            if process.pid is not None:
                with suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGHUP)


def _work(
    settings: Settings, listening: socket.socket, serve: Serve, number: int, counters: Path, channel: Connection
) -> None:
    """The whole life of a worker."""
    worker = Worker(number, counters, partial(channel.send, RELOAD))
    with listening, channel:
        serve(settings, listening, worker, partial(channel.send, READY))
