"""Serving until a signal comes: what `infgram serve` does."""

from __future__ import annotations

import socket
from collections.abc import Callable

import uvicorn

import infgram

from .app import create_app
from .indexes import opened
from .settings import Settings

BACKLOG = 2048


def run(settings: Settings, *, announce: Callable[[str], None] | None = None) -> None:
    """Serve until SIGINT or SIGTERM; what is under way then is finished first.

    Args:
        settings: which indexes, where, and how much; `port=0` takes a free one.
        announce: called with the address, `http://127.0.0.1:8000`, once the server answers there.

    Raises:
        IndexNotFoundError, IndexDamagedError, IndexVersionError, TokenizerError: an index cannot be opened.
        StorageError: the address is taken, or not ours.
    """
    with opened(settings.indexes):  # fails here with the library's own message, not inside the server
        pass
    listening = _listen(settings.host, settings.port)
    config = uvicorn.Config(
        create_app(settings),
        lifespan="on",
        ws="none",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=settings.shutdown_s,
    )
    server = _AnnouncingServer(config, lambda: announce(_address(listening)) if announce else None)
    with listening:
        try:
            server.run(sockets=[listening])
        except KeyboardInterrupt:  # raised again by uvicorn after it has shut down
            return


class _AnnouncingServer(uvicorn.Server):
    """Says when it is ready."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say so."""
        await super().startup(sockets)
        if self.started:
            self._announce()


def _listen(host: str, port: int) -> socket.socket:
    """A socket that listens there, so that a taken port is an error before anything else starts."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, address = found[0]
        return socket.create_server((str(address[0]), int(address[1])), family=family, backlog=BACKLOG)
    except OSError as error:
        raise infgram.StorageError(
            f"cannot listen at {host} port {port}: {error.strerror or error}; stop the program that has the port, or "
            f"choose another one with --port or INFGRAM_PORT"
        ) from error


def _address(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
