"""Write log lines, one JSON object each, to standard error."""

from __future__ import annotations

import sys
import traceback
from datetime import datetime, timezone
from typing import Any

import orjson


def write(event: str, *, level: str = "info", **fields: Any) -> None:
    """Write one line; a closed standard error is ignored.

    Args:
        event: a stable name of what happened.
        level: `"info"`, `"warning"` or `"error"`.
        fields: further fields of the line, ready for JSON.
    """
    now = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
    line = orjson.dumps({"time": now, "level": level, "event": event, **fields}, default=str)
    try:
        sys.stderr.write(line.decode() + "\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        return


def error_fields(error: BaseException) -> dict[str, Any]:
    """Return the class and the traceback of an error, but not its message, which may quote a query."""
    frames = traceback.extract_tb(error.__traceback__)
    return {"error": type(error).__name__, "at": [f"{frame.filename}:{frame.lineno}" for frame in frames[-8:]]}
