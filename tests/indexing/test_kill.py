"""After kill -9 at any time, there is no index or a complete one, and the same command finishes it."""

from __future__ import annotations

import multiprocessing
import random
import shutil
import signal
import time
from collections.abc import Iterator
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import pytest

import infgram
from tests.building import temporary_folder
from tests.indexing.resuming import OPTIONS, check_whole_or_absent, content, write_corpus

SEED = 20_240_131


@pytest.fixture
def folder() -> Iterator[Path]:
    with temporary_folder(0) as path:
        yield path


@pytest.mark.parametrize(
    "n_points", [pytest.param(20, id="20 points"), pytest.param(200, id="200 points", marks=pytest.mark.torture)]
)
@pytest.mark.parametrize("overwrite", [False, True], ids=["new", "overwrite"])
def test_killed_at_any_time(folder: Path, n_points: int, overwrite: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)  # the fork server imports from its folder, and the tree is not installed
    corpus, output = write_corpus(folder / "corpus.jsonl"), folder / "x"
    infgram.build(corpus, folder / "undisturbed", **OPTIONS).close()
    expected = content(folder / "undisturbed")
    if overwrite:
        infgram.build_from_tokens([[1, 2]], folder / "old", vocab_size=3).close()
        old = content(folder / "old")
    longest_s = _duration(corpus, output)
    moments = random.Random(SEED)
    n_killed = 0
    while n_killed < n_points:
        if overwrite and not output.exists():
            shutil.copytree(folder / "old", output)
        process = _start(corpus, output, overwrite)
        time.sleep(moments.uniform(0, longest_s))
        process.kill()
        process.join()
        n_killed += process.exitcode == -signal.SIGKILL
        is_there = check_whole_or_absent(output)
        assert content(output) in ([expected, old] if overwrite else [expected]) if is_there else not overwrite
        if not (is_there and content(output) == expected):
            if moments.random() < 0.5:
                continue  # it is killed again
            infgram.build(corpus, output, **OPTIONS, overwrite=overwrite).close()
        assert content(output) == expected
        shutil.rmtree(output)
        shutil.rmtree(folder / "x.partial", ignore_errors=True)  # if it was killed just after the renaming


def _start(corpus: Path, output: Path, overwrite: bool) -> ForkServerProcess:
    """Start the build in a process forked from one that has imported infgram."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["infgram"])
    options: dict[str, Any] = {**OPTIONS, "overwrite": overwrite}
    process = context.Process(target=infgram.build, args=(corpus, output), kwargs=options)
    process.start()
    return process


def _duration(corpus: Path, output: Path) -> float:
    """Return the duration of such a process in seconds, from its start to the end of its build."""
    for _ in range(2):  # the first one also starts the server
        began = time.monotonic()
        process = _start(corpus, output, overwrite=False)
        process.join()
        elapsed_s = time.monotonic() - began
        assert process.exitcode == 0
        shutil.rmtree(output)
    return elapsed_s
