"""The connections of one process: their number, and the time and bytes that a client may take.

uvicorn bounds neither. A client that sends half a request, never reads an answer, or opens many connections would keep
them for ever.
"""

from __future__ import annotations

import asyncio
import math
import resource
from collections import Counter
from http import HTTPStatus
from time import monotonic
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ..middleware.auth import MAX_HEADER_BYTES
from ..middleware.proxies import Proxies
from ..problems import ProblemError, respond
from ..runtime import RETRY_AFTER_S
from ..settings import Settings
from . import logs

RETRY: Final = {"Retry-After": str(RETRY_AFTER_S)}

LINGER_S: Final = 2.0
"""After a refusal, input is dropped for this long: closing at once would discard the answer, too."""

OTHER_FILES: Final = 128
"""File descriptors for everything but connections: libraries, logs, indexes while they are opened."""


class Door:
    """Admits connections, and ends those that take too long. Used on one event loop.

    Attributes:
        settings: the limits.
        ended: the connections ended since the last line in the log, by reason.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.ended: Counter[str] = Counter()
        self._proxies = Proxies(settings.trusted_proxies)
        self._by_client: Counter[str] = Counter()

    def enter(self, client: str, n_connections: int) -> str | None:
        """Count a connection; return why it is refused, or None.

        Args:
            client: the address of the peer. Trusted proxies are not counted by address.
            n_connections: the connections of this process, with this one.
        """
        self._by_client[client] += 1
        if n_connections > self.settings.max_connections:
            return "max_connections"
        if self._by_client[client] > self.settings.max_connections_per_client and not self._proxies.trusts(client):
            return "max_connections_per_client"
        return None

    def leave(self, client: str) -> None:
        """Forget a connection."""
        self._by_client[client] -= 1
        if not self._by_client[client]:
            del self._by_client[client]

    def sweep(self, connections: set[Any]) -> None:
        """End the connections that are over a time limit; called about once a second."""
        now = monotonic()
        for connection in [*connections]:
            connection.check(now)
        if self.ended:
            logs.write("connections_ended", level="warning", **self.ended)
            self.ended.clear()


class Connection(HttpToolsProtocol):
    """uvicorn's connection, with limits."""

    def __init__(self, *, door: Door, **given: Any) -> None:
        super().__init__(**given)
        self._door = door
        self._peer = ""
        self._deadline = math.inf  # for what the client must send next
        self._is_in_head, self._head_bytes = True, 0
        self._is_refused = False
        self._unsent_bytes, self._unsent_since = 0, 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Admit or refuse the client."""
        super().connection_made(transport)
        self._peer = self.client[0] if self.client else ""
        self._deadline = monotonic() + self._door.settings.header_timeout_s
        reason = self._door.enter(self._peer, len(self.connections))
        if reason is not None:
            self._door.ended[reason] += 1
            self._is_refused = True
            transport.write(_bytes_of(ProblemError("too_many_connections", headers=RETRY)))
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the client."""
        self._door.leave(self._peer)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse input; refuse a head that is too large before all of it has been read."""
        if self._is_refused:
            return
        if self._deadline == math.inf and not self._is_answering:
            self._deadline = monotonic() + self._door.settings.header_timeout_s
        was_in_head = self._is_in_head
        super().data_received(data)
        if self._is_in_head and was_in_head:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEADER_BYTES:
                self._end("headers_too_large", ProblemError("headers_too_large"))

    def on_message_begin(self) -> None:
        """Note that a head begins."""
        self._is_in_head, self._head_bytes = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Wait for the body."""
        self._is_in_head = False
        self._deadline = monotonic() + self._door.settings.body_timeout_s
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Wait for nothing: now the client waits."""
        self._deadline = math.inf
        super().on_message_complete()

    def check(self, now: float) -> None:
        """End the connection if the client has taken too long to send or to read."""
        unsent = self.transport.get_write_buffer_size()
        if unsent == 0 or unsent != self._unsent_bytes:
            self._unsent_bytes, self._unsent_since = unsent, now
        elif now - self._unsent_since > self._door.settings.send_timeout_s:
            self._door.ended["send_timeout"] += 1
            self.transport.abort()
            return
        if now < self._deadline:
            return
        if self._is_refused:
            self.transport.abort()
        elif self._is_in_head:
            silent = self.cycle is None and self._head_bytes == 0
            self._end("header_timeout", None if silent else ProblemError("request_timeout"))
        else:
            self._end("body_timeout", ProblemError("request_timeout"))

    @property
    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _end(self, reason: str, error: ProblemError | None) -> None:
        """Answer with a problem, unless another answer has begun, and close the connection."""
        self._door.ended[reason] += 1
        has_begun = self._is_answering if self._is_in_head else self.cycle.response_started
        if error is None or has_begun:
            self.transport.close()
            return
        if self._is_answering:
            self.cycle.disconnected = True  # the application answers nothing more
            self.cycle.message_event.set()
        self.transport.write(_bytes_of(error))
        self._is_refused, self._deadline = True, monotonic() + LINGER_S
        if self.transport.can_write_eof():
            self.transport.write_eof()


def _bytes_of(error: ProblemError) -> bytes:
    response = respond(error)
    head = [f"HTTP/1.1 {response.status_code} {HTTPStatus(response.status_code).phrase}".encode()]
    head += [name + b": " + value for name, value in (*response.raw_headers, (b"connection", b"close"))]
    return b"\r\n".join((*head, b"", bytes(response.body)))


def allow_connections(settings: Settings) -> Settings:
    """Raise the limit on open files of this process for its connections.

    Returns:
        The settings, with fewer connections if the system allows no more; the log says so.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = settings.max_connections + OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return settings
    allowed = max(1, soft - OTHER_FILES)
    logs.write(
        "few_files",
        level="warning",
        detail=f"the system allows {soft} open files, so {allowed} connections instead of {settings.max_connections}; "
        f"raise the hard limit (ulimit -Hn) to {wanted}, or lower max_connections",
    )
    return settings.model_copy(update={"max_connections": allowed})
