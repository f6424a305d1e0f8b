"""A corpus on disk, and a bucket."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.building import temporary_folder


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder in memory, where flushing files is fast."""
    with temporary_folder(0) as path:
        yield path
