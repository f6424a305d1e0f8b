"""The stub of the native module matches its signatures; `make generated` regenerates it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

STUB = Path(__file__).resolve().parents[1] / "infgram" / "_core.pyi"


def test_the_stub_is_current(tmp_path: Path) -> None:
    command = [sys.executable, "-I", "-m", "pybind11_stubgen", "infgram._core", "--output-dir", str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True, cwd=tmp_path)
    generated = (tmp_path / "infgram" / "_core.pyi").read_text(encoding="utf-8")
    assert generated == STUB.read_text(encoding="utf-8"), "run `make generated` and look at what changed"
