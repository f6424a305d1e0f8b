"""Give every request an id, count and time it, log it, and add the security headers to its answer."""

from __future__ import annotations

import re
from random import getrandbits
from time import perf_counter
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..problems import ProblemError, respond
from ..runtime import Runtime
from ..server import logs
from .proxies import FORWARDING_HEADERS, ClientAddress, Proxies

REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._-]{1,128}")
UNLOGGED: Final = frozenset({"healthz", "readyz", "metrics"})
LOGGED_BODY_BYTES: Final = 4096
OTHER: Final = "other"
"""The operation of a request that matches no route."""


HEADERS: Final = (
    (b"content-security-policy", b"default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)
"""On every answer: the text of a corpus may be hostile, so nothing is sniffed, framed or loaded from elsewhere."""


class ObservabilityMiddleware:
    """The outermost ASGI middleware."""

    def __init__(self, app: ASGIApp, proxies: Proxies) -> None:
        self.app = app
        self._client_address = ClientAddress(proxies)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; count and log its answer."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if any(name in FORWARDING_HEADERS for name, _ in scope["headers"]):
            self._client_address.resolve(scope)
        runtime: Runtime = scope["app"].state.runtime
        exchange = _Exchange(scope, runtime, receive, send)
        runtime.metrics.begin()
        try:
            await self.app(scope, exchange.receive, exchange.send)
        except Exception as error:  # noqa: BLE001  # whatever it is, the client gets a problem and the log gets a line
            logs.write("failure", level="error", request_id=exchange.request_id, **logs.error_fields(error))
            if exchange.status == 0:
                await respond(ProblemError("internal_error"))(scope, receive, exchange.send)
        finally:
            exchange.end()


class _Exchange:
    """One request and its answer."""

    def __init__(self, scope: Scope, runtime: Runtime, receive: Receive, send: Send) -> None:
        given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
        self.request_id = given.decode() if REQUEST_ID.fullmatch(given) else f"{getrandbits(64):016x}"
        self.status = 0
        self._scope, self._runtime, self._send = scope, runtime, send
        self._body = bytearray()
        self._started = perf_counter()
        self._receive = receive
        self.receive = self._receive_and_record if runtime.settings.log_queries else receive

    async def send(self, message: Message) -> None:
        """Send a part of the answer, with the headers of all answers."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message["headers"], *HEADERS, (b"x-request-id", self.request_id.encode())]
        await self._send(message)

    def end(self) -> None:
        """Count and log the request."""
        elapsed_s = perf_counter() - self._started
        operation = getattr(self._scope.get("route"), "operation_id", None) or OTHER
        self._runtime.metrics.end(operation, self._counted_status, elapsed_s)
        if self._runtime.settings.log_requests and operation not in UNLOGGED:
            logs.write("request", **self._fields(operation, elapsed_s))

    @property
    def _counted_status(self) -> int:
        """That of the response, or of the problem inside it, since every call of a tool is answered with 200."""
        problem: int = self._scope.get("infgram.status", self.status)
        return problem if self.status == 200 else self.status

    def _fields(self, operation: str, elapsed_s: float) -> dict[str, Any]:
        fields = {
            "request_id": self.request_id,
            "method": self._scope["method"],
            "operation": operation,
            "index": self._scope.get("path_params", {}).get("name"),
            "status": self._counted_status,
            "elapsed_ms": round(elapsed_s * 1000, 3),
            "client": (self._scope.get("client") or (None,))[0],
            "key": self._scope.get("infgram.key"),
        }
        if "infgram.proxy" in self._scope:
            fields["proxy"] = self._scope["infgram.proxy"]
        if self._runtime.settings.log_queries:
            fields["body"] = self._body.decode("utf-8", errors="replace")
        return fields

    async def _receive_and_record(self) -> Message:
        message = await self._receive()
        room = LOGGED_BODY_BYTES - len(self._body)
        if room > 0:
            self._body += message.get("body", b"")[:room]
        return message
