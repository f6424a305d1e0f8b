"""Conversion of problem documents to exceptions, and the time before a retry."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any, Final

from infgram.errors import (
    IndexChangedError,
    IndexDamagedError,
    IndexNotFoundError,
    InfgramError,
    QueryError,
    ServiceError,
    TimeLimitError,
)

RETRIED: Final = frozenset({429, 503})
LONGEST_WAIT_S: Final = 60.0

_INVALID_QUERY_STATUSES: Final = frozenset({413, 422})
_ERRORS: Final[Mapping[str, type[InfgramError]]] = {
    "unknown_index": IndexNotFoundError,
    "unknown_document": QueryError,
    "unknown_job": QueryError,
    "index_damaged": IndexDamagedError,
    "index_changed": IndexChangedError,
    "timeout": TimeLimitError,
}


def error_of(problem: Mapping[str, Any]) -> InfgramError:
    """Convert a problem document to the exception that the library raises in the same case."""
    reasons = [
        f"{error['msg']} ({'.'.join(error['loc'][1:])})" if error["loc"][1:] else error["msg"]
        for error in problem.get("errors") or []
    ]
    text = " ".join([str(problem.get("detail", "the service returned an error without a description")), *reasons])
    code, status = str(problem.get("code", "")), problem.get("status")
    kind = QueryError if status in _INVALID_QUERY_STATUSES else _ERRORS.get(code)
    return kind(text) if kind else ServiceError(f"{text} [{code or 'no code'}, status {status}]")


def wait_s(status: int, headers: Mapping[str, str]) -> float | None:
    """Return the seconds to wait before a retry; None if the request is not repeated.

    A request is repeated only if the response has `Retry-After`. A random delay is added, so that clients do not retry
    at the same moment.
    """
    after = headers.get("retry-after", "")
    if status not in RETRIED or not after.isdecimal():
        return None
    return min(float(after), LONGEST_WAIT_S) + random.uniform(0, 0.25)
