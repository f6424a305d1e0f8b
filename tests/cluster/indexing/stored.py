"""Read the contents of storage for comparison."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import infgram
from infgram.cluster.storage.storage import storage_at
from tests.indexing.resuming import content

LEAST: dict[str, Any] = {"split_bytes": 1, "threads": 1}
"""A split of each file."""


def stored(location: str | Path) -> dict[str, bytes]:
    """Return every file at a location, by its name."""
    storage = storage_at(location)
    return {name: storage.read(name) for name in storage.names()}


def upload(folder: Path, location: str) -> str:
    """Copy a folder to storage."""
    storage = storage_at(location)
    for name in content(folder):
        storage.upload(folder / name, name)
    return location


def undisturbed(corpus: Path | str, output: Path, options: dict[str, Any]) -> dict[str, bytes]:
    """Return the files of the index as built on one machine."""
    infgram.build(corpus, output, **options).close()
    return content(output)
