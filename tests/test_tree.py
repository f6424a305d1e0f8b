"""The tree has the agreed top level, no paths of a machine, no large files and no machine-specific flags."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

TOP_LEVEL = {"csrc", "infgram", "service", "tests", "benchmarks", "docs"} | {
    "pyproject.toml",
    "README.md",
    "Makefile",
    "LICENSE",
}
LARGEST_BYTES = 1 << 20

# Written with brackets, so that these lines do not match themselves.
FOREIGN = {
    "a path of somebody's machine": re.compile(r"(?<![\w.])/(?:hom[e]|User[s]|roo[t]|wor[k])/\w|[A-Z]:\\User[s]\\"),
    "the address of a package registry": re.compile(r"pyp[i]\.org|files\.pythonhoste[d]|registry\.npmj[s]"),
}


def tree() -> list[Path]:
    """Return the files that git tracks or would add; in an unpacked archive, all below the agreed entries."""
    if shutil.which("git") and (ROOT / ".git").exists():
        command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
        listing = subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout.decode()
        return [ROOT / name for name in listing.split("\0") if name and (ROOT / name).is_file()]
    found = (path for name in TOP_LEVEL for path in (ROOT / name, *(ROOT / name).rglob("*")))
    return [path for path in found if path.is_file() and "__pycache__" not in path.parts]


def text_of(path: Path) -> str:
    """Return the text of a file; empty if it is not text."""
    content = path.read_bytes()
    return "" if b"\0" in content else content.decode("utf-8", errors="replace")


def test_the_top_level_is_the_agreed_one() -> None:
    entries = {path.relative_to(ROOT).parts[0] for path in tree()}
    assert {name for name in entries if not name.startswith(".")} == TOP_LEVEL


@pytest.mark.parametrize("what", FOREIGN)
def test_no_file_contains(what: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:120]}"
        for path in tree()
        for number, line in enumerate(text_of(path).splitlines(), 1)
        if FOREIGN[what].search(line)
    ]
    assert wrong == []


def test_no_file_names_this_checkout() -> None:
    here = re.compile(rf"(?<![\w.]){re.escape(str(ROOT))}/")
    assert [str(path.relative_to(ROOT)) for path in tree() if here.search(text_of(path))] == []


def test_no_file_is_large() -> None:
    assert [str(path.relative_to(ROOT)) for path in tree() if path.stat().st_size > LARGEST_BYTES] == []


def test_the_build_is_tuned_for_no_particular_machine() -> None:
    files = [ROOT / "pyproject.toml", ROOT / "Makefile", *(ROOT / "csrc").rglob("CMake*")]
    wrong = [path for path in files if re.search(r"-m(?:arch|tune|cpu)=native", text_of(path))]
    assert wrong == []


def test_every_test_file_is_collected() -> None:
    """Folders that pytest skips by name (`norecursedirs`: build, dist, venv, ...) would hide their tests."""
    command = [sys.executable, "-I", "-m", "pytest", "--collect-only", "-q", "-m", "", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True, timeout=250)
    assert done.returncode == 0, done.stdout + done.stderr
    collected = {line.partition("::")[0] for line in done.stdout.splitlines() if "::" in line}
    on_disk = {str(path.relative_to(ROOT)) for path in (ROOT / "tests").rglob("test_*.py")}
    assert sorted(on_disk - collected) == []
