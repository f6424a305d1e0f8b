"""File names in backticks on the pages about the source exist in the tree."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("page", ["docs/architecture.md", "docs/contributing.md", "docs/glossary.md", "docs/scale.md"])
def test_files_named_on_the_pages_exist(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    names = set(re.findall(r"`([\w/.-]+\.(?:py|hpp|cpp))`", text))
    files = [path.as_posix() for path in ROOT.rglob("*.?[py]p") if ".venv" not in path.parts]
    files += [path.as_posix() for path in ROOT.rglob("*.py") if ".venv" not in path.parts]
    assert sorted(name for name in names if not any(file.endswith(f"/{name}") for file in files)) == []
