"""The pages about the source name files that exist, and every folder."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("architecture.md", "contributing.md", "glossary.md", "scale.md")


@pytest.mark.parametrize("page", PAGES)
def test_files_named_on_the_pages_exist(page: str) -> None:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    names = set(re.findall(r"`([\w/.-]+\.(?:py|hpp|cpp))`", text))
    files = [path.as_posix() for path in ROOT.rglob("*.?[py]p") if ".venv" not in path.parts]
    files += [path.as_posix() for path in ROOT.rglob("*.py") if ".venv" not in path.parts]
    assert sorted(name for name in names if not any(file.endswith(f"/{name}") for file in files)) == []


def test_every_folder_is_on_the_pages() -> None:
    architecture, contributing = ((ROOT / "docs" / page).read_text(encoding="utf-8") for page in PAGES[:2])
    headings = set(re.findall(r"^### ([\w/]+): ", architecture, re.MULTILINE))
    assert sorted(folders("csrc") | folders("infgram")) == sorted(name for name in headings if "/" in name)
    listed = set(re.findall(r"^  (\w+)/ ", contributing.partition("\nservice/")[0], re.MULTILINE))
    assert sorted(folders("infgram")) == sorted(f"infgram/{name}" for name in listed)


def test_every_module_outside_a_folder_is_on_the_page() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    modules = {path.name for path in (ROOT / "infgram").glob("*.py") if not path.name.startswith("__")}
    assert sorted(name for name in modules if f"`{name}`" not in text and f"/{name}`" not in text) == []


def folders(root: str) -> set[str]:
    """Return the folders directly below a folder that hold sources."""
    return {
        path.relative_to(ROOT).parent.as_posix() for kind in ("py", "cpp") for path in (ROOT / root).glob(f"*/*.{kind}")
    }
