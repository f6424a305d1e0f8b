"""A corpus on the disk, and a bucket."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.building import temporary_folder
from tests.cluster.s3 import s3_server


@pytest.fixture(scope="session")
def bucket() -> Iterator[str]:
    with s3_server() as url:
        yield url


@pytest.fixture
def folder() -> Iterator[Path]:
    """In memory, where every file that is flushed costs less."""
    with temporary_folder(0) as path:
        yield path
