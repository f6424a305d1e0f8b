"""A service on the loopback interface, in a thread of the tests, whose index can be changed."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from infgram.service import Settings, create_app
from infgram.service.indexes import ServedIndex
from infgram.service.runtime import Runtime

import infgram

NAME = "x"


class Loopback:
    """A running service.

    Attributes:
        url: its address.
    """

    def __init__(self, settings: Settings) -> None:
        self._app = create_app(settings)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._server = uvicorn.Server(uvicorn.Config(self._app, lifespan="on", ws="none", log_level="warning"))
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]})
        self._thread.start()
        while not self._server.started:
            self._thread.join(0.01)
            assert self._thread.is_alive()

    @property
    def runtime(self) -> Runtime:
        found: Runtime = self._app.state.runtime
        return found

    def put(self, index: infgram.Index) -> None:
        """Serve this index instead of the previous one; the caller closes it."""
        before = self.runtime.indexes.get(NAME)
        if before is not None:
            before.n_holders += 1  # the service must not close it
        self.runtime.indexes.replace({NAME: ServedIndex(NAME, index)})

    def close(self) -> None:
        self._server.should_exit = True
        self._thread.join(30)
        self._socket.close()


@contextmanager
def loopback(**settings: Any) -> Iterator[Loopback]:
    """Run a service during the `with` block."""
    started = Loopback(Settings(**{"log_requests": False, **settings}))
    try:
        yield started
    finally:
        started.close()
