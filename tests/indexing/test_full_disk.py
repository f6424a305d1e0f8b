"""A full disk at any stage is a clear error and leaves the files intact."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import infgram
from infgram.indexing import disk_space, stages
from infgram.indexing.disk_space import index_bytes
from tests.indexing import full_disk
from tests.indexing.resuming import OPTIONS, write_corpus

IN_OWN_NAMESPACE = ("unshare", "--user", "--map-root-user", "--mount")
PAGE = os.sysconf("SC_PAGE_SIZE")
TESTS = Path(__file__).parents[1]
RUN = """
import runpy, sys, types
tests = sys.modules["tests"] = types.ModuleType("tests")  # an installed package may have this name, too
tests.__path__ = [sys.argv[1]]
name = sys.argv.pop(2)
del sys.argv[1]
runpy.run_module(name, run_name="__main__", alter_sys=True)
"""
STAGES = {"train", "tokenize", "sort"}


def why_not() -> str:
    """Return the reason why no file system can be mounted; empty if one can."""
    try:
        words = (*IN_OWN_NAMESPACE, "mount", "-t", "tmpfs", "infgram-test", "/mnt")
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    except OSError as error:
        return str(error)
    return done.stderr.strip() if done.returncode else ""


@pytest.mark.parametrize("pages", [pytest.param(4, id="coarse"), pytest.param(1, id="fine", marks=pytest.mark.torture)])
def test_full_at_each_stage(tmp_path: Path, pages: int) -> None:
    reason = why_not()
    if reason:
        pytest.skip(f"this user cannot mount a file system in a namespace of their own: {reason}")
    corpus = write_corpus(tmp_path / "corpus.jsonl")
    infgram.build(corpus, tmp_path / "expected", **OPTIONS).close()
    (tmp_path / "disk").mkdir()
    paths = (corpus, tmp_path / "expected", tmp_path / "disk")
    script = [sys.executable, "-I", "-c", RUN, str(TESTS), full_disk.__name__, *map(str, paths), str(pages * PAGE)]
    done = subprocess.run([*IN_OWN_NAMESPACE, *script], capture_output=True, text=True, check=False, timeout=250)
    assert done.returncode == 0, done.stderr
    stages = json.loads(done.stdout)
    assert STAGES <= set(stages) <= STAGES | {"begin", "check"}, stages


def test_insufficient_disk_space_is_detected_before_the_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = write_corpus(tmp_path / "corpus.jsonl")
    monkeypatch.setattr(stages, "_SMALL_BYTES", 0)
    for module in (stages, disk_space):
        monkeypatch.setattr(module, "free_bytes", lambda _: 20 * corpus.stat().st_size)  # close, but sufficient
    infgram.build(corpus, tmp_path / "x", **OPTIONS).close()
    for module in (stages, disk_space):
        monkeypatch.setattr(module, "free_bytes", lambda _: 1000)
    with pytest.raises(infgram.StorageError, match=r"needs about .* MB more; .* has .* free, .* too little") as caught:
        infgram.build(corpus, tmp_path / "y", **OPTIONS)
    assert caught.value.errno == errno.ENOSPC
    monkeypatch.undo()
    for module in (stages, disk_space):
        monkeypatch.setattr(module, "free_bytes", lambda _: 0)
    infgram.build(corpus, tmp_path / "y", **OPTIONS).close()  # so small that the check is skipped


def test_the_size_of_an_index(tmp_path: Path) -> None:
    documents = [list(range(n % 50)) for n in range(2000)]
    for shard_tokens in (10_000, 5_000_000_000):
        with infgram.build_from_tokens(
            documents, tmp_path / "x", vocab_size=300, shard_tokens=shard_tokens, overwrite=True
        ) as index:
            expected = index_bytes(index.n_tokens, 2000, 0, 300, 16, shard_tokens)
            assert index.info()["size_bytes"] == pytest.approx(expected, rel=0.1)
