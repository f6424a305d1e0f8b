"""JSON files that carry their own checksum and appear whole or not at all."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Final

from infgram.files.disk import atomic_file, storage_errors

FIELD: Final = "sha256"
"""The field that holds the digest of all others."""


def digest(content: dict[str, Any]) -> str:
    """The SHA-256, in hexadecimal, of an object's canonical JSON (docs/index-format.md, "The digest")."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()


def signed(content: dict[str, Any]) -> str:
    """The object with its digest, as a line for each value."""
    return json.dumps({**content, FIELD: digest(content)}, indent=1, sort_keys=True, ensure_ascii=True) + "\n"


def read_signed(data: bytes) -> dict[str, Any] | None:
    """The object without its digest; None if it was altered, cut short or never was one."""
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) and take_digest(content) else None


def write_signed(path: Path, content: dict[str, Any]) -> None:
    """Write the object with its digest, flushed to the disk and under its final name at once.

    Raises:
        StorageError: the operating system refused.
    """
    with storage_errors(f"write {path}"), atomic_file(path) as unfinished:
        unfinished.write_text(signed(content), encoding="ascii")


def take_digest(content: dict[str, Any]) -> bool:
    """Take the digest out of an object that was read. Whether it is that of the rest."""
    return bool(content.pop(FIELD, None) == digest(content))
