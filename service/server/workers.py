"""Run several worker processes on one socket, and replace those that die.

uvicorn has a supervisor of its own. It does not report when all workers are ready, restarts them at SIGHUP instead of
having them reload, and has no channel by which a reload in one worker reaches the others.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import tempfile
from collections import deque
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

from ..app import ALL_OPERATIONS
from ..middleware.metrics import size_bytes
from ..runtime import Worker
from ..settings import Settings
from . import logs

READY: Final = "ready"
RELOAD: Final = "reload"
COUNTERS: Final = "counters"
JOBS: Final = "jobs"
"""What the workers share, in a temporary folder."""

SHORT_LIFE_S: Final = 1.0
MAX_DEATHS: Final = 5
DEATHS_WITHIN_S: Final = 60.0
"""The server ends when its workers die more often, since something that stays kills them, such as a truncated file."""
GRACE_S: Final = 5.0
STOPPING: Final = frozenset({signal.SIGINT, signal.SIGTERM})


class Serve(Protocol):
    """The main function of a worker."""

    def __call__(self, settings: Settings, listening: socket.socket, worker: Worker, ready: Callable[[], None]) -> None:
        """Serve on the socket until a signal; call `ready` when it answers."""


def supervise(settings: Settings, listening: socket.socket, serve: Serve, ready: Callable[[], None]) -> None:
    """Keep `settings.workers` processes running until SIGINT or SIGTERM; replace those that die.

    SIGHUP, or a reload in one worker, makes all of them reload.

    Args:
        settings: the settings of the service.
        listening: the socket that all workers accept from.
        serve: the main function of each worker.
        ready: called once all workers answer for the first time.

    Raises:
        StorageError: a worker ends before all of them have answered, or workers die again and again.
    """
    n_bytes = size_bytes(len(ALL_OPERATIONS), settings.workers)
    with tempfile.TemporaryDirectory(prefix="infgram-workers-") as name:
        folder = Path(name)
        (folder / COUNTERS).write_bytes(b"")
        os.truncate(folder / COUNTERS, n_bytes)
        supervisor = _Supervisor(settings, listening, serve, folder)
        try:
            supervisor.run(ready)
        finally:
            supervisor.stop()
    with suppress(KeyboardInterrupt):
        signal.raise_signal(supervisor.stopped_by)  # again, as uvicorn does, for the program's own handler


class _Supervisor:
    """The workers and the channels to them."""

    def __init__(self, settings: Settings, listening: socket.socket, serve: Serve, folder: Path) -> None:
        self._settings, self._listening, self._serve, self._folder = settings, listening, serve, folder
        self._context = multiprocessing.get_context("spawn")
        self._workers: dict[int, tuple[BaseProcess, Connection, float]] = {}
        self._ready: set[int] = set()
        self._deaths: deque[float] = deque()
        self._all_were_ready = False
        self._signals: set[int] = set()
        self._wake_reader, self._wake_writer = os.pipe()
        os.set_blocking(self._wake_writer, False)

    def run(self, ready: Callable[[], None]) -> None:
        """Start all workers, then handle events until a signal to stop."""
        previous = {
            number: signal.signal(number, self._record_signal)
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        }
        previous_wakeup = signal.set_wakeup_fd(self._wake_writer, warn_on_full_buffer=False)
        try:
            for number in range(self._settings.workers):
                self._start(number)
            while not self._signals & STOPPING:
                self._wait()
                if not self._all_were_ready and len(self._ready) == self._settings.workers:
                    self._all_were_ready = True
                    ready()
        finally:
            signal.set_wakeup_fd(previous_wakeup)
            for number, handler in previous.items():
                signal.signal(number, handler)

    @property
    def stopped_by(self) -> int:
        """The signal that ended `run`."""
        return min(self._signals & STOPPING)

    def stop(self) -> None:
        """Stop all workers after their running queries; kill those that take too long."""
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
        arguments = (self._settings, self._listening, self._serve, number, self._folder, theirs)
        process = self._context.Process(target=_work, args=arguments, name=f"infgram worker {number}")
        process.start()
        theirs.close()
        self._workers[number] = (process, ours, monotonic())

    def _record_signal(self, number: int, _: FrameType | None) -> None:
        self._signals.add(number)

    def _wait(self) -> None:
        """Wait for a signal, a message of a worker, or the death of one."""
        channels = {channel: number for number, (_, channel, _) in self._workers.items()}
        for event in wait([self._wake_reader, *channels]):
            if event == self._wake_reader:
                os.read(self._wake_reader, 64)
            else:
                self._receive(channels[event])  # type: ignore[index]
        if signal.SIGHUP in self._signals:
            self._signals.discard(signal.SIGHUP)
            self._reload_workers()

    def _receive(self, number: int) -> None:
        """Handle a message of a worker; the end of its channel means that it died."""
        process, channel, started = self._workers[number]
        try:
            message = channel.recv()
        except (EOFError, OSError):
            process.join()
            self._replace(number, process, started)
            return
        if message == READY:
            self._ready.add(number)
        elif message == RELOAD:
            self._reload_workers(but=number)

    def _replace(self, number: int, process: BaseProcess, started: float) -> None:
        if self._signals & STOPPING:
            return
        if not self._all_were_ready:
            raise infgram.StorageError(f"worker {number} exited with code {process.exitcode} before it was ready")
        logs.write("worker_died", level="error", worker=number, code=process.exitcode)
        self._check_deaths(process.exitcode)
        if monotonic() - started < SHORT_LIFE_S:
            sleep(SHORT_LIFE_S)
        self._ready.discard(number)
        self._workers[number][1].close()
        self._start(number)

    def _check_deaths(self, code: int | None) -> None:
        """Count a death.

        Raises:
            StorageError: the workers have died too often.
        """
        now, most = monotonic(), max(MAX_DEATHS, 2 * self._settings.workers)
        self._deaths.append(now)
        while now - self._deaths[0] > DEATHS_WITHIN_S:
            self._deaths.popleft()
        if len(self._deaths) >= most:
            logs.write("stopping", level="error", deaths=len(self._deaths), within_s=DEATHS_WITHIN_S, code=code)
            raise infgram.StorageError(
                f"workers died {len(self._deaths)} times within {DEATHS_WITHIN_S:.0f} s, the last one "
                f"{_reason_of(code)}; check the indexes with infgram verify"
            )

    def _reload_workers(self, *, but: int | None = None) -> None:
        """Make the workers reload. Those that are not ready yet open the current indexes anyway."""
        for worker in self._ready - {but}:
            process = self._workers[worker][0]
            if process.pid is not None:
                with suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGHUP)


def _reason_of(code: int | None) -> str:
    """Return the reason in an exit code of multiprocessing, as in "by SIGBUS: a mapped file is shorter than it was"."""
    if code is None or code >= 0:
        return f"with exit code {code}"
    name = signal.Signals(-code).name if -code in {*signal.Signals} else f"signal {-code}"
    return f"by {name}" + (": a file of an index was truncated or replaced in place" if -code == signal.SIGBUS else "")


def _work(
    settings: Settings, listening: socket.socket, serve: Serve, number: int, folder: Path, channel: Connection
) -> None:
    """Run one worker."""
    worker = Worker(number, folder / COUNTERS, folder / JOBS, partial(channel.send, RELOAD))
    with listening, channel:
        serve(settings, listening, worker, partial(channel.send, READY))
