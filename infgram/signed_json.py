"""JSON files that carry their own checksum and appear whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any, Final

from infgram.errors import StorageError

FIELD: Final = "sha256"
"""The field that holds the digest of all others."""


def digest(content: dict[str, Any]) -> str:
    """The SHA-256, in hexadecimal, of an object's canonical JSON (docs/index-format.md, "The digest")."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()


def write_signed(path: Path, content: dict[str, Any]) -> None:
    """Write the object with its digest, flushed to the disk and under its final name at once.

    Raises:
        StorageError: the operating system refused.
    """
    temporary = path.with_name(f"{path.name}.tmp")
    try:
        with open(temporary, "w", encoding="utf-8") as file:
            json.dump({**content, FIELD: digest(content)}, file, indent=1, sort_keys=True, ensure_ascii=True)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise StorageError(error.errno, f"cannot write {path}: {error.strerror}") from error


def take_digest(content: dict[str, Any]) -> bool:
    """Take the digest out of an object that was read. Whether it is that of the rest."""
    return bool(content.pop(FIELD, None) == digest(content))
