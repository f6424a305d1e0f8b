"""A build or a change that is stopped at any system call, or whose disk fails or loses its power there.

`system_calls.cpp` is preloaded into `crash_points.py`, which tries the calls one after the other. The ordinary tests
try every 29th call or so; `make torture` tries all of them.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.building import temporary_folder
from tests.indexing.resuming import write_corpus

HERE = Path(__file__).parent
N_DOCUMENTS = 60
SEED = 20_241_130
RUN = """
import runpy, sys, types
tests = sys.modules["tests"] = types.ModuleType("tests")  # an installed package may have this name, too
tests.__path__ = [sys.argv.pop(1)]
runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)
"""

every_call = pytest.mark.parametrize(
    "step", [pytest.param(29, id="some calls"), pytest.param(1, id="every call", marks=pytest.mark.torture)]
)
each_operation = pytest.mark.parametrize(
    "operation", ["build", "overwrite", "convert", "add", "delete", "compact", "purge"]
)


@pytest.fixture(scope="module")
def preloaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library for LD_PRELOAD, compiled."""
    if not sys.platform.startswith("linux"):
        pytest.skip("LD_PRELOAD and /proc are needed, which only Linux has")
    library = tmp_path_factory.mktemp("preloaded") / "system_calls.so"
    options = ["-std=c++20", "-O1", "-shared", "-fPIC", "-o", str(library)]
    compiler = os.environ.get("CXX", "c++")
    subprocess.run([compiler, *options, str(HERE / "system_calls.cpp"), "-ldl"], check=True)
    return library


def try_calls(preloaded: Path, folder: Path, operation: str, how: str, step: int) -> int:
    """Run `crash_points.py`, check its report, and return the number of points."""
    first = random.Random(f"{SEED} {operation} {how}").randrange(step)
    corpus = write_corpus(folder / "corpus.jsonl", N_DOCUMENTS)
    watched = folder / "watched"
    watched.mkdir()
    arguments = [corpus, watched, operation, how, first, step]
    done = subprocess.run(
        [sys.executable, "-I", "-c", RUN, str(HERE.parent), "tests.indexing.crash_points", *map(str, arguments)],
        env={**os.environ, "FAULT_FOLDER": str(watched), "LD_PRELOAD": str(preloaded)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["faults"] == []
    assert report["n_calls"] > (30 if operation == "delete" else 100)
    assert report["n_tried"] >= report["n_calls"] // step
    return int(report["n_tried"])


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder in memory if possible: each point flushes hundreds of files."""
    with temporary_folder(0) as path:
        yield path


@every_call
@each_operation
def test_killed_before_a_system_call(
    preloaded: Path, folder: Path, operation: str, step: int, record_property: Callable[[str, object], None]
) -> None:
    record_property("tried", try_calls(preloaded, folder, operation, "kill", step))


@every_call
@pytest.mark.parametrize("error", ["EIO", "ENOSPC"])
@each_operation
def test_a_system_call_fails(
    preloaded: Path, folder: Path, operation: str, error: str, step: int, record_property: Callable[[str, object], None]
) -> None:
    record_property("tried", try_calls(preloaded, folder, operation, error, step))


@every_call
@each_operation
def test_the_power_is_lost_after_a_system_call(
    preloaded: Path, folder: Path, operation: str, step: int, record_property: Callable[[str, object], None]
) -> None:
    record_property("tried", try_calls(preloaded, folder, operation, "power", step))
