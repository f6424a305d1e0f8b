"""Requests and answers of HTTP, as both clients send and read them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import ModuleType
from typing import Any, Final, TypeVar
from urllib.parse import quote

from infgram.arguments import real, refusal, text, text_or_none
from infgram.client.calls import Call
from infgram.client.problems import error_of
from infgram.errors import MissingExtraError, QueryError, ServiceError
from infgram.reprs import MOST_CHARACTERS, cut

T = TypeVar("T")
LINES: Final = "application/x-ndjson"


def httpx2() -> ModuleType:
    """The package of that name.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import httpx2
    except ImportError as error:
        raise MissingExtraError(
            "a client needs the package httpx2, which is not installed; pip install 'infgram[client]'"
        ) from error
    return httpx2


def options(url: str, api_key: str | None, timeout_s: float) -> dict[str, Any]:
    """How a client of httpx2 is made."""
    if not text(url, "url").startswith(("http://", "https://")):
        raise refusal(url, "url", "an address such as http://127.0.0.1:8000")
    if not (text_or_none(api_key, "api_key") or "").isascii():
        raise QueryError("api_key has characters that no key has; expected ASCII")
    headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
    if real(timeout_s, "timeout_s", low=0) == 0:
        raise refusal(timeout_s, "timeout_s", "a positive number of seconds")
    return {"base_url": url.rstrip("/"), "headers": headers, "timeout": timeout_s}


def index_name(index: str | None) -> str | None:
    """The name of an index, which goes into addresses; None for the only one."""
    if index is not None and not text(index, "index"):
        raise refusal(index, "index", "the name of an index, or None for the only one")
    return index


def shown(client: object, base_url: Any, index: str | None) -> str:
    """The repr of a client."""
    named = f" index={index}" if index else ""
    return cut(f"<infgram.{type(client).__name__} {base_url}{named}>", MOST_CHARACTERS)


def request(index: str, call: Call[Any]) -> dict[str, Any]:
    """The arguments of a request of httpx2."""
    path = f"/v1/indexes/{quote(index, safe='')}{call.path}"
    headers = {"Accept": LINES if call.as_lines else "application/json"}
    if call.body is None:
        return {"method": "GET", "url": path, "headers": headers}
    headers["Content-Type"] = "application/json"
    return {"method": "POST", "url": path, "headers": headers, "content": json.dumps(call.body).encode()}


def read(call: Call[T], status: int, content: bytes) -> T:
    """The result of an answer.

    Raises:
        InfgramError: the service refused, or the answer is none of its.
    """
    if status != 200:
        raise error_of(_object(status, content))
    if not call.as_lines:
        return call.read(_object(status, content))
    lines = [_object(status, line) for line in content.split(b"\n") if line]
    if lines and "problem" in lines[-1]:
        raise error_of(lines[-1]["problem"])
    if not lines or "end" not in lines[-1] or lines[-1]["end"]["n_lines"] != len(lines) - 1:
        raise ServiceError("the answer was cut off on its way; ask again")
    return call.read(lines[:-1])


def name_and_limits(wanted: str | None, status: int, content: bytes) -> tuple[str, Mapping[str, int]]:
    """The index to ask, and the limits of the service, from its list of indexes.

    Raises:
        ServiceError: none is named, and there is not exactly one.
        InfgramError: the service refused.
    """
    body = _object(status, content)
    if status != 200:
        raise error_of(body)
    names = [entry["name"] for entry in body["indexes"]]
    if wanted is None and len(names) != 1:
        raise ServiceError(f"the service has the indexes {', '.join(names) or '(none)'}; name one: index=…")
    return wanted or names[0], body["limits"]


def _object(status: int, content: bytes) -> Any:
    try:
        value = json.loads(content)
    except ValueError as error:
        raise ServiceError(f"the service answered with status {status} and no JSON; is it one of infgram?") from error
    if not isinstance(value, dict):
        raise ServiceError(f"the service answered with status {status} and no object; is it one of infgram?")
    return value
