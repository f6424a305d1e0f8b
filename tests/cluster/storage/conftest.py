"""One folder in each kind of storage."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest


@pytest.fixture(params=["path", "file", "s3"])
def location(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The location of a folder that does not exist yet."""
    if request.param == "s3":
        return f"{request.getfixturevalue('bucket')}/{secrets.token_hex(4)}/index"
    path = tmp_path / "stored" / "index"
    return str(path) if request.param == "path" else f"file://{path}"
