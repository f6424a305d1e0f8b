"""The constants are those of the record that they name."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from infgram.planning import StagePoint, fitted

ROOT = Path(__file__).resolve().parents[2]
CONSTANTS = ROOT / "infgram" / "planning" / "constants.py"
RECORD = ROOT / "benchmarks" / "record" / "epyc-2-cores" / "scale.json"


def test_the_constants_are_those_of_the_record() -> None:
    assert RECORD.relative_to(ROOT).as_posix() in CONSTANTS.read_text()
    command = [sys.executable, str(ROOT / "benchmarks" / "scale_constants.py"), str(RECORD)]
    written = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert meaning(CONSTANTS.read_text()) == meaning(written), f"run: {' '.join(command[1:])}, then make format"


def meaning(source: str) -> str:
    """The source as a tree, which a formatter does not change."""
    return ast.dump(ast.parse(source))


def test_the_model_foretold_the_largest_build() -> None:
    rows = [json.loads(line) for line in RECORD.read_text().splitlines()]
    names = StagePoint.__dataclass_fields__
    *smaller, largest = (
        StagePoint(**{name: row[name] for name in names}) for row in rows if row["question"] == "stages"
    )
    assert largest.n_tokens > 3.9e8
    predicted = fitted(smaller).predicted(largest.n_tokens, largest.n_documents, largest.threads, 0xFFFF, 16)
    assert predicted.sort_cpu_s == pytest.approx(largest.sort_cpu_s, rel=0.25)
    assert predicted.size_bytes == pytest.approx(largest.size_bytes, rel=0.02)
    assert predicted.directory_bytes == pytest.approx(largest.directory_bytes, rel=0.02)
