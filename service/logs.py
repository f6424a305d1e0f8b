"""Log lines: one JSON object each, on standard error."""

from __future__ import annotations

import sys
import traceback
from datetime import datetime, timezone
from typing import Any

import orjson


def write(event: str, *, level: str = "info", **fields: Any) -> None:
    """Write one line; a reader that went away is no reason to fail.

    Args:
        event: what happened, a stable name.
        level: `"info"`, `"warning"` or `"error"`.
        fields: what else there is to say, ready for JSON.
    """
    now = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
    line = orjson.dumps({"time": now, "level": level, "event": event, **fields}, default=str)
    try:
        sys.stderr.write(line.decode() + "\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        return


def error_fields(error: BaseException) -> dict[str, Any]:
    """The kind and the place of an error; not its message, which may repeat what was asked."""
    frames = traceback.extract_tb(error.__traceback__)
    return {"error": type(error).__name__, "at": [f"{frame.filename}:{frame.lineno}" for frame in frames[-8:]]}
