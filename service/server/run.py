"""Run the service until a signal stops it: what `infgram serve` does."""

from __future__ import annotations

import asyncio
import gc
import ipaddress
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from time import monotonic
from types import FrameType
from typing import Final

import uvicorn
from fastapi import FastAPI

import infgram

from ..app import create_app
from ..models import Models
from ..runtime import ReloadError, Runtime, Worker, first_keys, open_index
from ..settings import Settings
from . import logs
from .connections import Connection, Door, allow_connections
from .workers import supervise

BACKLOG: Final = 2048

_TICKS_PER_S: Final = 10
"""uvicorn's."""


def run(settings: Settings, *, announce: Callable[[str], None] | None = None) -> None:
    """Serve until SIGINT or SIGTERM, then finish running queries. SIGHUP reloads replaced indexes.

    Args:
        settings: the settings of the service; `port=0` takes a free port.
        announce: called with the address, `http://127.0.0.1:8000`, once the server answers there.

    Raises:
        IndexNotFoundError, IndexDamagedError, IndexVersionError, TokenizerError: an index cannot be opened.
        InputError, TokenizerError, MissingExtraError: a neural model cannot be loaded.
        InputError: the key file is malformed, or contains no key.
        StorageError: the address is in use or not of this machine; the key file cannot be read.
    """
    keys = first_keys(settings)  # errors show here, with the library's message, and not inside the server
    for name in settings.indexes:
        with open_index(settings.model_copy(update={"load": "map", "verify": False}), name) as index:
            Models(settings).load(name, index)
    listening = _listen(settings.host, settings.port)
    if keys is None and not _is_loopback(listening):
        logs.write(
            "open_to_all",
            level="warning",
            detail="no key is required: anybody who can reach this address may query and reload; see `infgram api-key`",
        )
    settings = allow_connections(settings)
    with listening:

        def ready() -> None:
            if announce is not None:
                announce(_address(listening))

        if settings.workers == 1:
            serve(settings, listening, Worker(), ready)
        else:
            supervise(settings, listening, serve, ready)


def serve(settings: Settings, listening: socket.socket, worker: Worker, ready: Callable[[], None]) -> None:
    """Serve on a socket in this process until a signal stops it; call `ready` when it answers."""
    app = create_app(settings, worker)
    door = Door(settings)
    config = uvicorn.Config(
        app,
        http=partial(Connection, door=door),  # type: ignore[arg-type]  # uvicorn only calls it
        lifespan="on",
        ws="none",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=settings.keep_alive_s,
        timeout_graceful_shutdown=settings.shutdown_s,
    )
    try:
        _Server(config, app, door, ready).run(sockets=[listening])
    except KeyboardInterrupt:  # uvicorn raises it again after its shutdown
        return


class _Server(uvicorn.Server):
    """Announces readiness, reloads on SIGHUP, and drains before it stops: `/readyz` fails for a while."""

    def __init__(self, config: uvicorn.Config, app: FastAPI, door: Door, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._app, self._door, self._ready = app, door, ready
        self._tasks: set[asyncio.Task[None]] = set()
        self._stops_at: float | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then call `ready`."""
        await super().startup(sockets)
        if self.started:
            gc.collect()
            gc.freeze()  # collections skip the objects made so far, and take less time
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._reload)
            self._ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop at once at a second signal; at the first one, drain before."""
        super().handle_exit(sig, frame)
        if self.started and not self._runtime.is_draining:
            self._runtime.is_draining = True
            if self._runtime.settings.drain_s:
                self._stops_at, self.should_exit = monotonic() + self._runtime.settings.drain_s, False

    async def on_tick(self, counter: int) -> bool:
        """Return whether to stop; called ten times a second."""
        if self._stops_at is not None and monotonic() >= self._stops_at:
            self.should_exit = True
        if counter % _TICKS_PER_S == 0:
            self._door.sweep(self.server_state.connections)
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
        with suppress(ReloadError):  # the log has the reason
            await self._runtime.reload()


def _listen(host: str, port: int) -> socket.socket:
    """Return a listening socket, so that a port in use is an error before anything else starts."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, address = found[0]
        return socket.create_server((str(address[0]), int(address[1])), family=family, backlog=BACKLOG)
    except OSError as error:
        raise infgram.StorageError(
            f"cannot listen at {host} port {port}: {error.strerror or error}; expected an address of this "
            "machine and a free port; see --host and --port"
        ) from error


def _is_loopback(listening: socket.socket) -> bool:
    return ipaddress.ip_address(listening.getsockname()[0]).is_loopback


def _address(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
