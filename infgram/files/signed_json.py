"""JSON files of an index or an unfinished build: read strictly, and written atomically with a checksum."""

from __future__ import annotations

import errno
import hashlib
import json
from pathlib import Path
from typing import Any, Final, NoReturn

from infgram.errors import StorageError
from infgram.files.disk import atomic_file, open_regular, storage_errors

FIELD: Final = "sha256"
"""The field with the digest of all other fields."""

MOST_BYTES: Final = 256 << 20
"""The maximum size of a JSON file: a manifest of 200,000 shards, or of a million skipped records."""

_DEEPEST: Final = 32  # levels of objects and lists; a manifest has 4


def digest(content: dict[str, Any]) -> str:
    """Return the SHA-256, in hexadecimal, of the canonical JSON of an object (docs/index-format.md, "The digest")."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()


def signed(content: dict[str, Any]) -> str:
    """Return the JSON of an object with its digest, one value per line."""
    return json.dumps({**content, FIELD: digest(content)}, indent=1, sort_keys=True, ensure_ascii=True) + "\n"


def parse_json(data: bytes, *, deepest: int = _DEEPEST) -> Any:
    """Parse untrusted JSON: UTF-8, without repeated keys, NaN and Infinity, of at most `deepest` levels.

    Raises:
        ValueError: the data are not such JSON.
    """
    try:
        value = _DECODER.decode(data.decode("utf-8"))
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if data.count(b"{") + data.count(b"[") > deepest:
        _check_depth(value, deepest)
    return value


def read_json(path: Path) -> Any:
    """Read and parse a JSON file of an index or an unfinished build, see `parse_json`.

    Raises:
        OSError: the file cannot be read, or is not a regular file.
        ValueError: the file is larger than `MOST_BYTES`, or its content is not JSON.
    """
    with open_regular(path) as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise ValueError(f"larger than {MOST_BYTES:,} bytes")
    return parse_json(data)


def read_signed(data: bytes) -> dict[str, Any] | None:
    """Parse an object and remove its digest; return None if the data are altered or not a signed object."""
    try:
        content = parse_json(data)
    except ValueError:
        return None
    return content if isinstance(content, dict) and take_digest(content) else None


def write_signed(path: Path, content: dict[str, Any]) -> None:
    """Write an object with its digest atomically, and flush it to the disk.

    Raises:
        StorageError: the file cannot be written, or would be larger than `MOST_BYTES`.
    """
    text = signed(content)
    if len(text) > MOST_BYTES:
        raise StorageError(errno.EFBIG, f"{path} would have {len(text):,} bytes; expected at most {MOST_BYTES:,}")
    with storage_errors(f"write {path}"), atomic_file(path) as unfinished:
        unfinished.write_text(text, encoding="ascii")


def take_digest(content: dict[str, Any]) -> bool:
    """Remove the digest from an object and return whether it matches the other fields."""
    return bool(content.pop(FIELD, None) == digest(content))


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a key is repeated in one object")
    return fields


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON value")


def _check_depth(value: Any, deepest: int) -> None:
    level: list[Any] = [value]
    for _ in range(deepest + 1):
        containers = [item for item in level if isinstance(item, (dict, list))]
        level = [child for item in containers for child in (item.values() if isinstance(item, dict) else item)]
        if not containers:
            return
    raise ValueError(f"nested deeper than {deepest} levels")


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse_constant)
