"""Serving until a signal comes: what `infgram serve` does."""

from __future__ import annotations

import asyncio
import gc
import ipaddress
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from types import FrameType

import uvicorn
from fastapi import FastAPI

import infgram

from . import logs
from .app import create_app
from .models import load_model
from .runtime import NotReloadedError, Runtime, Worker, first_keys, open_index
from .settings import Settings
from .workers import supervise

BACKLOG = 2048


def run(settings: Settings, *, announce: Callable[[str], None] | None = None) -> None:
    """Serve until SIGINT or SIGTERM; what is under way then is finished first. SIGHUP puts replaced indexes in place.

    Args:
        settings: which indexes, where, and how much; `port=0` takes a free one.
        announce: called with the address, `http://127.0.0.1:8000`, once the server answers there.

    Raises:
        IndexNotFoundError, IndexDamagedError, IndexVersionError, TokenizerError: an index cannot be opened.
        InputError, TokenizerError, MissingExtraError: a neural model cannot be loaded.
        InputError: the file of keys holds something else, or no key.
        StorageError: the address is taken, or not ours; the file of keys cannot be read.
    """
    keys = first_keys(settings)  # these fail here with the library's own message, not inside the server
    for name, path in settings.indexes.items():
        with open_index(settings.model_copy(update={"load": "map", "verify": False}), path) as index:
            load_model(settings, name, index)
    listening = _listen(settings.host, settings.port)
    if keys is None and not _is_loopback(listening):
        logs.write(
            "open_to_all",
            level="warning",
            detail="whoever reaches this address may ask and reload: there are no keys; see `infgram api-key`",
        )
    with listening:

        def ready() -> None:
            if announce is not None:
                announce(_address(listening))

        if settings.workers == 1:
            serve(settings, listening, Worker(), ready)
        else:
            supervise(settings, listening, serve, ready)


def serve(settings: Settings, listening: socket.socket, worker: Worker, ready: Callable[[], None]) -> None:
    """Answer on a socket in this process until a signal comes; `ready` is called when it does."""
    app = create_app(settings, worker)
    config = uvicorn.Config(
        app,
        lifespan="on",
        ws="none",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=settings.shutdown_s,
    )
    try:
        _Server(config, app, ready).run(sockets=[listening])
    except KeyboardInterrupt:  # raised again by uvicorn after it has shut down
        return


class _Server(uvicorn.Server):
    """Says when it is ready, reloads on SIGHUP, and fails to be ready for a while before it stops."""

    def __init__(self, config: uvicorn.Config, app: FastAPI, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._app, self._ready = app, ready
        self._tasks: set[asyncio.Task[None]] = set()
        self._stops_at: float | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say so."""
        await super().startup(sockets)
        if self.started:
            gc.collect()
            gc.freeze()  # what was made so far stays: collections look through the rest only, and take less time
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._reload)
            self._ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop at a signal: the second one at once, the first one when it has been seen that it is not ready."""
        super().handle_exit(sig, frame)
        if self.started and not self._runtime.is_draining:
            self._runtime.is_draining = True
            if self._runtime.settings.drain_s:
                self._stops_at, self.should_exit = monotonic() + self._runtime.settings.drain_s, False

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second: whether to stop."""
        if self._stops_at is not None and monotonic() >= self._stops_at:
            self.should_exit = True
        return await super().on_tick(counter)

    @property
    def _runtime(self) -> Runtime:
        runtime: Runtime = self._app.state.runtime
        return runtime

    def _reload(self) -> None:
        task = asyncio.get_running_loop().create_task(self._reload_if_possible())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _reload_if_possible(self) -> None:
        with suppress(NotReloadedError):  # the log has the reason
            await self._runtime.reload()


def _listen(host: str, port: int) -> socket.socket:
    """A socket that listens there, so that a taken port is an error before anything else starts."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, address = found[0]
        return socket.create_server((str(address[0]), int(address[1])), family=family, backlog=BACKLOG)
    except OSError as error:
        raise infgram.StorageError(
            f"cannot listen at {host} port {port}: {error.strerror or error}; expected an address of this "
            "machine and a port that no other program has: see --host and --port"
        ) from error


def _is_loopback(listening: socket.socket) -> bool:
    return ipaddress.ip_address(listening.getsockname()[0]).is_loopback


def _address(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
