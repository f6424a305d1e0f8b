"""JSON files with a checksum of their content, written atomically."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Final

from infgram.files.disk import atomic_file, storage_errors

FIELD: Final = "sha256"
"""The field with the digest of all other fields."""


def digest(content: dict[str, Any]) -> str:
    """Return the SHA-256, in hexadecimal, of the canonical JSON of an object (docs/index-format.md, "The digest")."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()


def signed(content: dict[str, Any]) -> str:
    """Return the JSON of an object with its digest, one value per line."""
    return json.dumps({**content, FIELD: digest(content)}, indent=1, sort_keys=True, ensure_ascii=True) + "\n"


def read_signed(data: bytes) -> dict[str, Any] | None:
    """Parse an object and remove its digest; return None if the data are altered or not a signed object."""
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) and take_digest(content) else None


def write_signed(path: Path, content: dict[str, Any]) -> None:
    """Write an object with its digest atomically, and flush it to the disk.

    Raises:
        StorageError: the file cannot be written.
    """
    with storage_errors(f"write {path}"), atomic_file(path) as unfinished:
        unfinished.write_text(signed(content), encoding="ascii")


def take_digest(content: dict[str, Any]) -> bool:
    """Remove the digest from an object and return whether it matches the other fields."""
    return bool(content.pop(FIELD, None) == digest(content))
