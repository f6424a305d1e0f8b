"""A stopped build: what is kept, what is repeated, and that the result is identical."""

from __future__ import annotations

import io
import json
import logging
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

import infgram
from infgram import _core
from infgram.files.signed_json import write_signed
from infgram.types import BuildProgress
from tests.building import temporary_folder
from tests.indexing.resuming import OPTIONS, content, write_corpus


class Stopped(Exception):
    """Raised to stop a build."""


class Stopper:
    """Raises in a stage after some progress, and records the stages."""

    def __init__(self, stage: str = "", done: int = 0, error: type[BaseException] = Stopped) -> None:
        self.stages: list[str] = []
        self._stage, self._done, self._error = stage, done, error

    def __call__(self, progress: BuildProgress) -> None:
        if progress.stage not in self.stages:
            self.stages.append(progress.stage)
        if progress.stage == self._stage and progress.done >= self._done:
            raise self._error


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder in memory, where flushing files is fast."""
    with temporary_folder(0) as path:
        yield path


@pytest.fixture
def corpus(folder: Path) -> Path:
    return write_corpus(folder / "corpus.jsonl")


@pytest.fixture
def expected(corpus: Path, folder: Path) -> dict[str, bytes]:
    """The files of an uninterrupted build."""
    with infgram.build(corpus, folder / "undisturbed", **OPTIONS) as index:
        assert index.n_shards > 3
        assert [entry.line for entry in index.skipped] == [101]
    return content(folder / "undisturbed")


def stop(corpus: Path, output: Path, stage: str, done: int = 0, error: type[BaseException] = Stopped) -> Path:
    """Build until some progress; return the folder of the unfinished build."""
    with pytest.raises(error):
        infgram.build(corpus, output, **OPTIONS, progress=Stopper(stage, done, error))
    assert not output.exists()
    return output.with_name(f"{output.name}.partial")


def go_on(corpus: Path, output: Path) -> list[str]:
    """Run the same command again; return its stages."""
    stopper = Stopper()
    infgram.build(corpus, output, **OPTIONS, progress=stopper).close()
    assert not output.with_name(f"{output.name}.partial").exists()
    return stopper.stages


@pytest.mark.parametrize(
    ("stage", "done", "stages"),
    [
        ("train", 0, ["train", "tokenize", "sort"]),
        ("tokenize", 0, ["check", "tokenize", "sort"]),
        ("sort", 0, ["check", "sort"]),
        ("sort", 9000, ["check", "sort"]),
    ],
)
@pytest.mark.parametrize("error", [Stopped, KeyboardInterrupt, infgram.StorageError])
def test_finished_stages_are_kept(
    corpus: Path,
    folder: Path,
    expected: dict[str, bytes],
    stage: str,
    done: int,
    stages: list[str],
    error: type[BaseException],
) -> None:
    output = folder / "x"
    partial = stop(corpus, output, stage, done, error)
    assert partial.exists() == ("check" in stages)
    assert go_on(corpus, output) == stages
    assert content(output) == expected


def test_a_sorted_shard_is_not_sorted_again(corpus: Path, folder: Path, expected: dict[str, bytes]) -> None:
    partial = stop(corpus, folder / "x", "sort", 9000)
    arrays = sorted(partial.rglob("suffix_array.bin"))
    assert 2 <= len(arrays) < len(list(partial.rglob("tokens.bin")))
    before = [path.stat().st_ino for path in arrays]
    with pytest.raises(Stopped):
        infgram.build(corpus, folder / "x", **OPTIONS, progress=Stopper("sort"))
    assert [path.stat().st_ino for path in arrays] == before


def test_damaged_files_are_rebuilt(corpus: Path, folder: Path, expected: dict[str, bytes]) -> None:
    partial = stop(corpus, folder / "x", "sort", 13_000)
    partial.rename(folder / "saved")
    files = [path.relative_to(folder / "saved") for path in (folder / "saved").rglob("*") if path.is_file()]
    assert len(files) > 20
    for number, file in enumerate(files):
        shutil.copytree(folder / "saved", partial)
        data = bytearray((partial / file).read_bytes())
        data[(len(data) - 1) * (number % 5) // 4] ^= 1  # header, payload, padding
        (partial / file).write_bytes(data)
        go_on(corpus, folder / "x")
        assert content(folder / "x") == expected, file
        shutil.rmtree(folder / "x")


def test_missing_or_foreign_files(corpus: Path, folder: Path, expected: dict[str, bytes]) -> None:
    partial = stop(corpus, folder / "x", "sort", 13_000)
    (partial / "index" / "shard-00001" / "tokens.bin").unlink()
    (partial / "index" / "shard-00001" / "tokens.bin.tmp").write_bytes(b"half")
    (partial / "index" / "shard-00099").mkdir()
    (partial / "index" / "manifest.json.tmp").write_bytes(b"{")
    (partial / "index" / "link").symlink_to(folder)
    (partial / "index.old").mkdir()
    (partial / "stray").write_bytes(b"")
    assert go_on(corpus, folder / "x") == ["check", "tokenize", "sort"]
    assert content(folder / "x") == expected


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"sha256": 1}', "[" * 100_000, '{"plan": null}'])
def test_unreadable_checkpoints(corpus: Path, folder: Path, expected: dict[str, bytes], text: str) -> None:
    partial = stop(corpus, folder / "x", "sort")
    (partial / "build.json").write_text(text)
    assert go_on(corpus, folder / "x") == ["train", "tokenize", "sort"]
    assert content(folder / "x") == expected


@pytest.mark.parametrize("name", ["../../precious", "/precious", "..", ""])
def test_notes_with_a_folder_elsewhere_remove_nothing(
    corpus: Path, folder: Path, expected: dict[str, bytes], name: str
) -> None:
    """The files of a finished stage are kept and their neighbors removed, so its folder must be inside the build."""
    (folder / "precious").mkdir()
    (folder / "precious" / "file").write_bytes(b"kept")
    partial = stop(corpus, folder / "x", "sort", 13_000)
    notes = json.loads((partial / "build.json").read_text())
    del notes["sha256"]
    notes["shards"][0]["folder"] = f"{folder}{name}" if name.startswith("/") else name
    write_signed(partial / "build.json", notes)
    stopper = Stopper("check")  # keeps what the notes name, as after any error
    infgram.build(corpus, folder / "x", **OPTIONS, progress=stopper).close()
    assert stopper.stages == ["train", "tokenize", "sort"]
    assert content(folder / "x") == expected
    assert (folder / "precious" / "file").read_bytes() == b"kept"


@pytest.mark.parametrize("name", ["build.json", "index/tokenizer/tokenizer.json", "index/shard-00000/tokens.bin"])
def test_notes_and_files_that_are_pipes(corpus: Path, folder: Path, expected: dict[str, bytes], name: str) -> None:
    """They are made anew; reading them would not end."""
    partial = stop(corpus, folder / "x", "sort", 13_000)
    (partial / name).unlink()
    os.mkfifo(partial / name)
    go_on(corpus, folder / "x")
    assert content(folder / "x") == expected


def _touch(corpus: Path) -> dict[str, object]:
    os.utime(corpus, ns=(1, 1))
    return {}


CHANGES: dict[str, Callable[[Path], dict[str, object]]] = {
    "input": _touch,
    "shard tokens": lambda _: {"shard_tokens": 5000},
    "tokenizer": lambda _: {"tokenizer": "bpe:401"},
}


@pytest.mark.parametrize("what", CHANGES)
def test_another_build_starts_again_and_reports_it(
    corpus: Path, folder: Path, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    stop(corpus, folder / "x", "sort")
    options = {**OPTIONS, **CHANGES[what](corpus)}
    stopper = Stopper()
    with caplog.at_level(logging.INFO, logger="infgram.indexing"):
        infgram.build(corpus, folder / "x", **options, progress=stopper).close()
    assert stopper.stages == ["train", "tokenize", "sort"]
    assert any(f"another {what}; starting again" in message for message in caplog.messages)
    infgram.build(corpus, folder / "y", **options).close()
    assert content(folder / "x") == content(folder / "y")


def test_threads_and_memory_are_not_part_of_the_plan(corpus: Path, folder: Path, expected: dict[str, bytes]) -> None:
    stop(corpus, folder / "x", "sort", 9000)
    options = {**OPTIONS, "threads": 1, "memory": "4GiB"}
    stopper = Stopper()
    infgram.build(corpus, folder / "x", **options, progress=stopper).close()
    assert stopper.stages == ["check", "sort"]
    assert content(folder / "x") == expected


def test_resuming_is_reported(corpus: Path, folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="infgram.indexing"):
        stop(corpus, folder / "x", "sort", error=KeyboardInterrupt)
        assert f"finished stages are kept in {folder / 'x.partial'}; run the same command" in caplog.messages[-1]
        go_on(corpus, folder / "x")
        assert "resuming the unfinished build" in caplog.messages[-1]
        with pytest.raises(KeyboardInterrupt):
            infgram.build(corpus, folder / "y", progress=Stopper("train", 0, KeyboardInterrupt))
        assert "left no files" in caplog.messages[-1]
    assert not (folder / "y.partial").exists()


class Interrupted(os.PathLike[str]):
    """A path that a signal interrupts while it is converted."""

    def __fspath__(self) -> str:
        raise KeyboardInterrupt


def test_an_interrupt_inside_a_native_call_is_an_interrupt() -> None:
    with pytest.raises(KeyboardInterrupt):
        _core.sync_folder(Interrupted())
    with pytest.raises(TypeError, match="incompatible function arguments"):
        _core.sync_folder(1)  # type: ignore[arg-type]


def test_the_old_index_is_kept_until_the_new_one_is_complete(corpus: Path, folder: Path) -> None:
    infgram.build_from_tokens([[1]], folder / "x", vocab_size=2).close()
    old = content(folder / "x")
    for done in (0, 5000, 9000):
        with pytest.raises(Stopped):
            infgram.build(corpus, folder / "x", **OPTIONS, overwrite=True, progress=Stopper("sort", done))
        assert content(folder / "x") == old
    with pytest.raises(infgram.IndexExistsError, match="overwrite"):
        infgram.build(corpus, folder / "x", **OPTIONS)
    assert (folder / "x.partial" / "build.json").exists()  # the rejected command removed nothing
    infgram.build(corpus, folder / "x", **OPTIONS, overwrite=True).close()
    infgram.build(corpus, folder / "y", **OPTIONS).close()
    assert content(folder / "x") == content(folder / "y")


def test_killed_between_the_two_renames(corpus: Path, folder: Path) -> None:
    """Without atomic exchange, the old index has been moved away, and the new one not yet to its place."""
    infgram.build_from_tokens([[1]], folder / "x", vocab_size=2).close()
    old = content(folder / "x")
    (folder / "x.partial").mkdir()
    (folder / "x").rename(folder / "x.partial" / "index.old")
    with pytest.raises(infgram.IndexExistsError):
        infgram.build(corpus, folder / "x", **OPTIONS)
    assert content(folder / "x") == old


def test_a_second_concurrent_build_is_rejected(corpus: Path, folder: Path, expected: dict[str, bytes]) -> None:
    refusals = 0

    def build_too(progress: BuildProgress) -> None:
        nonlocal refusals
        with pytest.raises(infgram.IndexExistsError, match="another process is writing"):
            infgram.build(corpus, folder / "x", **OPTIONS)
        refusals += 1

    infgram.build(corpus, folder / "x", **OPTIONS, progress=build_too).close()
    assert refusals > 3
    assert content(folder / "x") == expected


def test_files_of_tokens(folder: Path) -> None:
    ids = np.random.default_rng(3).integers(0, 90, 20_000).astype(np.uint16)
    np.save(folder / "ids.npy", ids)
    corpus = infgram.TokenCorpus(folder / "ids.npy", vocab_size=90, end_of_text=0)
    infgram.build_from_tokens(corpus, folder / "y", shard_tokens=3000).close()
    stopper = Stopper("sort", 4000)
    with pytest.raises(Stopped):
        infgram.build_from_tokens(corpus, folder / "x", shard_tokens=3000, progress=stopper)
    assert stopper.stages == ["read", "sort"]
    last = sorted((folder / "x.partial" / "index").iterdir())[-1]
    (last / "tokens.bin").unlink()
    again = Stopper()
    infgram.build_from_tokens(corpus, folder / "x", shard_tokens=3000, progress=again).close()
    assert again.stages == ["check", "read", "sort"]
    assert content(folder / "x") == content(folder / "y")


def test_documents_of_an_iterator_are_not_kept(folder: Path) -> None:
    documents = [[1, 2, 3]] * 100
    with pytest.raises(Stopped):
        infgram.build_from_tokens(documents, folder / "x", vocab_size=4, shard_tokens=50, progress=Stopper("sort"))
    assert list(folder.iterdir()) == []


def test_standard_input_is_identified_by_its_content(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = write_corpus(folder / "corpus.jsonl").read_bytes()

    def build(data: bytes, stopper: Stopper) -> list[str]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        infgram.build("-", folder / "x", **OPTIONS, overwrite=True, progress=stopper).close()
        return stopper.stages

    with pytest.raises(Stopped):
        build(text, Stopper("sort"))
    assert build(text, Stopper()) == ["check", "sort"]
    with pytest.raises(Stopped):
        build(text, Stopper("sort"))
    assert build(text + json.dumps({"text": "x"}).encode(), Stopper()) == ["train", "tokenize", "sort"]
