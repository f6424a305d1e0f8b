"""After kill -9 of a change at any time, the index has its old state or the new one, and the next change goes on.

A conversion replaces the index.
"""

from __future__ import annotations

import random
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from functools import partial
from multiprocessing import get_context
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import pytest

import infgram
from infgram.files.manifest import Manifest
from tests.building import temporary_folder
from tests.changes.fresh import check_no_other_files, named_files
from tests.indexing.resuming import OPTIONS, content, write_corpus, write_infini_gram

SEED = 20_261_130
OPERATIONS = ("add", "delete", "compact", "purge", "convert")


@pytest.fixture
def folder() -> Iterator[Path]:
    with temporary_folder(0) as path:
        yield path


@pytest.mark.parametrize(
    "n_points", [pytest.param(8, id="8 points"), pytest.param(200, id="200 points", marks=pytest.mark.torture)]
)
def test_killed_at_any_time(folder: Path, n_points: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each point is one random operation on the same old index."""
    monkeypatch.chdir(folder)  # the fork server imports from its folder, and the tree is not installed
    corpus, old, path = write_corpus(folder / "corpus.jsonl"), folder / "old", folder / "x"
    infgram.build(corpus, old, **{**OPTIONS, "tokenizer": "bytes"}).close()
    infgram.delete(old, documents=[0, 100, 250])
    write_infini_gram(corpus, folder / "theirs")
    before = content(old)
    after, longest_s = {}, {}
    for operation in (OPERATIONS[0], *OPERATIONS):  # the first one also starts the server
        shutil.rmtree(path, ignore_errors=True)
        shutil.copytree(old, path)
        began = time.monotonic()
        process = _start(operation, path, corpus)
        process.join()
        longest_s[operation] = time.monotonic() - began
        assert process.exitcode == 0
        after[operation] = content(path)
    moments = random.Random(SEED)
    n_killed = 0
    while n_killed < n_points:
        operation = moments.choice(OPERATIONS)
        shutil.rmtree(path)
        shutil.copytree(old, path)
        process = _start(operation, path, corpus)
        time.sleep(moments.uniform(0, longest_s[operation]))
        process.kill()
        process.join()
        n_killed += process.exitcode == -signal.SIGKILL
        with infgram.open(path) as index:
            index.verify()
        files = content(path)
        state = {name: files[name] for name in named_files(path)}
        assert state in (before, after[operation]), operation
        if state == before or operation == "convert":
            change, options = _change(operation, corpus)
            change(path, **options)
            assert content(path) == after[operation]
        else:
            infgram.delete(path, documents=[7])
            assert Manifest.read(path).generation == 3
        check_no_other_files(path)
        with infgram.open(path) as index:
            index.verify()


def _start(operation: str, path: Path, corpus: Path) -> ForkServerProcess:
    """Start a change in a process forked from one that has imported infgram."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["infgram"])
    change, options = _change(operation, corpus)
    process = context.Process(target=change, args=(path,), kwargs=options)
    process.start()
    return process


def _change(operation: str, corpus: Path) -> tuple[Callable[..., object], dict[str, Any]]:
    """Return the function and its arguments after the path."""
    changes: dict[str, tuple[Callable[..., object], dict[str, Any]]] = {
        "add": (infgram.add, {"source": corpus, "on_error": "skip", "shard_tokens": 4_000, "threads": 2}),
        "delete": (infgram.delete, {"documents": [1, 2, 200]}),
        "compact": (infgram.compact, {"shard_tokens": 4_000, "threads": 2}),
        "purge": (infgram.delete, {"documents": [1, 2, 200], "purge": True, "threads": 2}),
        "convert": (
            partial(infgram.convert, corpus.with_name("theirs")),
            {"tokenizer": "bytes", "overwrite": True, "shard_tokens": 4_000, "threads": 2},
        ),
    }
    return changes[operation]
