"""HTTP requests and responses, which both clients share."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Final, Generic, TypeVar
from urllib.parse import quote

from infgram.arguments import at_least, real, refusal, text
from infgram.client.calls import Call
from infgram.client.problems import error_of
from infgram.errors import IndexClosedError, MissingExtraError, QueryError, ServiceError
from infgram.reprs import MOST_CHARACTERS, cut

Http = TypeVar("Http")
T = TypeVar("T")
LINES: Final = "application/x-ndjson"
_IS_KEY: Final = re.compile("[!-~]*")
_SUCCESSES: Final = frozenset({200, 202})


def httpx2() -> ModuleType:
    """Import the package httpx2.

    Raises:
        MissingExtraError: the package is not installed.
    """
    try:
        import httpx2
    except ImportError as error:
        raise MissingExtraError(
            "a client needs the package httpx2, which is not installed; pip install 'infgram[client]'"
        ) from error
    return httpx2


@dataclass(frozen=True)
class Options:
    """The arguments of a client, which are also the content of its pickle.

    Attributes:
        url: the address of the service.
        index: the name of the index; None if the service has only one.
        api_key: the API key, if the service requires one.
        timeout_s: the timeout of one request in seconds.
        retries: the maximum number of retries when the service is busy.
    """

    url: str
    index: str | None
    api_key: str | None
    timeout_s: float
    retries: int

    @classmethod
    def checked(cls, url: str, index: str | None, api_key: str | None, timeout_s: float, retries: int) -> Options:
        """Validate the arguments of a client.

        Raises:
            QueryError: an argument has the wrong type, is out of range, or is not an address.
        """
        if not text(url, "url").startswith(("http://", "https://")):
            raise refusal(url, "url", "an address such as http://127.0.0.1:8000")
        if index is not None and not text(index, "index"):
            raise refusal(index, "index", "the name of an index, or None for the only one")
        if isinstance(api_key, str):
            api_key = api_key.strip()  # the line of a file ends in a newline
            if not _IS_KEY.fullmatch(api_key):  # the message must not show the key
                raise QueryError(
                    "api_key has characters that no key has; expected visible ASCII characters without spaces, "
                    "as infgram api-key prints them"
                )
        elif api_key is not None:
            raise QueryError(f"api_key is of type {type(api_key).__name__}; expected a text (str)")
        if real(timeout_s, "timeout_s", low=0) == 0:
            raise refusal(timeout_s, "timeout_s", "a positive number of seconds")
        return cls(url, index, api_key, timeout_s, at_least(retries, 0, "retries"))

    def http(self) -> dict[str, Any]:
        """Return the arguments of an httpx2 client."""
        headers = {"Authorization": f"Bearer {self.api_key}"} if self.api_key else {}
        return {"base_url": self.url.rstrip("/"), "headers": headers, "timeout": self.timeout_s}

    def shown(self, kind: str) -> str:
        """Return the `repr` of a client, without the API key."""
        named = f" index={self.index}" if self.index else ""
        return cut(f"<infgram.{kind} {self.url.rstrip('/')}{named}>", MOST_CHARACTERS)


class Connections(Generic[Http]):
    """The connections of a client, separate for each process and, with asyncio, for each event loop.

    A fork copies sockets, and two processes that share a socket may read each other's responses. So a process opens its
    own connections, and never uses inherited ones, which the parent process may be using or have locked.
    """

    def __init__(self, shown: str, make: Callable[[], Http]) -> None:
        """Open no connection yet.

        Args:
            shown: the name of the client in error messages.
            make: creates an httpx2 client.
        """
        self._shown, self._make = shown, make
        self._made: tuple[int, dict[Any, Http]] = os.getpid(), {}
        self._is_closed = False

    def get(self, loop: Any = None) -> Http:
        """Return the httpx2 client of this process and event loop.

        Raises:
            IndexClosedError: the client was closed.
        """
        self.check_open()
        if self._made[0] != os.getpid():
            self._made = os.getpid(), {}
        _, made = self._made
        if loop not in made:
            for each in list(made):  # other threads may be here, with loops of their own
                if each is not None and each.is_closed():
                    made.pop(each, None)
            return made.setdefault(loop, self._make())
        return made[loop]

    def check_open(self) -> None:
        """Raise IndexClosedError if the client was closed."""
        if self._is_closed:
            raise IndexClosedError(f"{self._shown} was closed; create a new one")

    def close(self, loop: Any = None) -> Http | None:
        """Reject further queries.

        Returns:
            The httpx2 client of this process and event loop, which the caller must close; None if there is none.
        """
        pid, made = self._made
        self._is_closed = True
        return made.pop(loop, None) if pid == os.getpid() else None


def request(index: str, call: Call[Any]) -> dict[str, Any]:
    """Return the arguments of an httpx2 request."""
    path = f"/v1/indexes/{quote(index, safe='')}{call.path}"
    headers = {"Accept": LINES if call.as_lines else "application/json"}
    made = {"method": call.http_method, "url": path, "headers": headers}
    if call.body is None:
        return made
    headers["Content-Type"] = "application/json"
    return {**made, "content": json.dumps(call.body).encode()}


def read(call: Call[T], status: int, content: bytes) -> T:
    """Convert a response to the result of a call.

    Raises:
        InfgramError: the service returned an error, or the response is not from an infgram service.
    """
    if status not in _SUCCESSES:
        raise error_of(_object(status, content))
    if not call.as_lines:
        return call.read(_object(status, content))
    lines = [_object(status, line) for line in content.split(b"\n") if line]
    if lines and "problem" in lines[-1]:
        raise error_of(lines[-1]["problem"])
    if not lines or "end" not in lines[-1] or lines[-1]["end"]["n_lines"] != len(lines) - 1:
        raise ServiceError("the response is incomplete: the connection was cut; try again")
    return call.read(lines[:-1])


def name_and_limits(wanted: str | None, status: int, content: bytes) -> tuple[str, Mapping[str, int]]:
    """Return the name of the index and the limits of the service, from its list of indexes.

    Raises:
        ServiceError: no index is named, and the service does not have exactly one.
        InfgramError: the service returned an error.
    """
    body = _object(status, content)
    if status != 200:
        raise error_of(body)
    names = [entry["name"] for entry in body["indexes"]]
    if wanted is None and len(names) != 1:
        raise ServiceError(f"the service has the indexes {', '.join(names) or '(none)'}; name one of them with index=…")
    return wanted or names[0], body["limits"]


def _object(status: int, content: bytes) -> Any:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ServiceError(
            f"the response (status {status}) is not JSON; check that the address is that of an infgram service"
        ) from error
    if not isinstance(value, dict):
        raise ServiceError(
            f"the response (status {status}) is not a JSON object; check that the address is that of an infgram service"
        )
    return value
