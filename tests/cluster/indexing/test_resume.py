"""A build that was interrupted: the same call does only the remaining work."""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import infgram
from infgram.cluster import BuildSummary, build
from infgram.cluster.indexing.output import BuildStorage
from infgram.errors import IndexDamagedError, IndexExistsError, InputError, StorageError
from infgram.files.signed_json import write_signed
from infgram.types import BuildProgress
from tests.cluster.indexing.corpora import many_files
from tests.cluster.indexing.stored import LEAST, stored, undisturbed, upload
from tests.indexing.resuming import content

N_SPLITS = 10
HERE: dict[str, Any] = {**LEAST, "engine": "local"}


class Stopped(Exception):
    """Raised to stop a build."""


@pytest.fixture
def options(folder: Path) -> dict[str, Any]:
    (folder / "corpus").mkdir()
    return many_files(folder / "corpus")


@pytest.fixture
def expected(folder: Path, options: dict[str, Any]) -> dict[str, bytes]:
    return undisturbed(folder / "corpus", folder / "expected", options)


def stop_at(stage: str, share: float) -> Callable[[BuildProgress], None]:
    def report(progress: BuildProgress) -> None:
        if progress.stage == stage and progress.done >= share * progress.total:
            raise Stopped

    return report


def stop(folder: Path, options: dict[str, Any], stage: str = "sort", share: float = 0.5) -> Path:
    """Stop a build; return the folder of the unfinished build."""
    with pytest.raises(Stopped):
        build(folder / "corpus", folder / "x", **options, **HERE, progress=stop_at(stage, share))
    assert not (folder / "x" / "manifest.json").exists()
    return folder / "x.partial"


def kept(summary: BuildSummary) -> dict[str, int]:
    return {stage.stage: stage.n_kept for stage in summary.stages}


@pytest.mark.parametrize(
    ("stage", "share", "least"),
    [
        ("tokenize", 0, {"train": 1, "tokenize": 0, "sort": 0}),
        ("tokenize", 0.5, {"train": 1, "tokenize": 3, "sort": 0}),
        ("sort", 0, {"train": 1, "tokenize": N_SPLITS, "sort": 0}),
        ("sort", 0.5, {"train": 1, "tokenize": N_SPLITS, "sort": 3}),
        ("sort", 1, {"train": 1, "tokenize": N_SPLITS, "sort": 10}),
    ],
)
def test_finished_tasks_are_kept(
    folder: Path, options: dict[str, Any], expected: dict[str, bytes], stage: str, share: float, least: dict[str, int]
) -> None:
    stop(folder, options, stage, share)
    with pytest.raises(infgram.IndexNotFoundError):
        infgram.open(folder / "x")
    summary = build(folder / "corpus", folder / "x", **options, **HERE)
    assert {name: min(n, least[name]) for name, n in kept(summary).items()} == least
    assert {stage.stage: stage.n_tasks + stage.n_kept for stage in summary.stages} == {
        "train": 1,
        "tokenize": N_SPLITS,
        "sort": summary.n_shards,
    }
    assert content(folder / "x") == expected
    assert not (folder / "x.partial").exists()


def test_in_a_bucket(folder: Path, options: dict[str, Any], expected: dict[str, bytes], bucket: str) -> None:
    source = upload(folder / "corpus", f"{bucket}/resume/corpus")
    with pytest.raises(Stopped):
        build(source, f"{bucket}/resume/x", **options, **HERE, progress=stop_at("sort", 0.5))
    summary = build(source, f"{bucket}/resume/x", **options, **HERE)
    assert kept(summary)["tokenize"] == N_SPLITS
    assert kept(summary)["sort"] >= 3
    assert stored(f"{bucket}/resume/x") == expected
    assert stored(f"{bucket}/resume/x.partial") == {}


def test_a_trained_tokenizer_is_kept(folder: Path, options: dict[str, Any]) -> None:
    options["tokenizer"] = "bpe:300"
    expected = undisturbed(folder / "corpus", folder / "expected", options)
    stop(folder, options, "tokenize", 0)
    seen: list[str] = []
    build(folder / "corpus", folder / "x", **options, **HERE, progress=lambda progress: seen.append(progress.stage))
    assert "train" not in seen
    assert content(folder / "x") == expected


def test_missing_or_truncated_files_are_rebuilt(
    folder: Path, options: dict[str, Any], expected: dict[str, bytes]
) -> None:
    partial = stop(folder, options)
    (partial / "parts" / "000001" / "00000.tokens").unlink()
    (partial / "splits" / "000002.json").write_text("{}")
    (partial / "parts" / "000003" / "00000.documents").write_bytes(b"")
    (folder / "x" / "shard-00001" / "tokens.bin").unlink()
    (folder / "x" / "shard-00002" / "tokens.bin").write_bytes(b"")
    (folder / "x" / "shard-00099").mkdir()
    (folder / "x" / "shard-00099" / "tokens.bin").write_bytes(b"stray")
    (folder / "x" / "shard-00000" / ".unfinished-0123").write_bytes(b"of a process that was killed")
    summary = build(folder / "corpus", folder / "x", **options, **HERE)
    assert kept(summary)["tokenize"] == N_SPLITS - 3
    assert content(folder / "x") == expected


def rewrite(path: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """Change a record, with the right digest."""
    record = json.loads(path.read_text())
    del record["sha256"]
    change(record)
    write_signed(path, record)


def test_records_of_another_shape_are_made_anew(
    folder: Path, options: dict[str, Any], expected: dict[str, bytes]
) -> None:
    partial = stop(folder, options, "sort", 1)
    rewrite(partial / "splits" / "000000.json", lambda record: record.update(parts=[{}]))
    rewrite(partial / "splits" / "000001.json", lambda record: record["skipped"].append({"source": 1}))
    rewrite(partial / "splits" / "000002.json", lambda record: record["found"].update(n_documents="1"))
    rewrite(partial / "shards" / "00000.json", lambda record: record["shard"].update(folder="../../x"))
    rewrite(partial / "shards" / "00001.json", lambda record: record["shard"]["sections"].update({"../x": {}}))
    summary = build(folder / "corpus", folder / "x", **options, **HERE)
    assert kept(summary)["tokenize"] == N_SPLITS - 3
    assert kept(summary)["sort"] == summary.n_shards - 2
    assert content(folder / "x") == expected


def test_a_damaged_part_is_detected_and_rebuilt(
    folder: Path, options: dict[str, Any], expected: dict[str, bytes]
) -> None:
    partial = stop(folder, options, "sort", 0)
    part = partial / "parts" / "000000" / "00000.tokens"
    data = bytearray(part.read_bytes())
    data[len(data) // 2] ^= 1
    part.write_bytes(data)
    with pytest.raises(IndexDamagedError, match=rf"{part} has {len(data)} bytes with the SHA-256 .* run the same"):
        build(folder / "corpus", folder / "x", **options, **HERE)
    summary = build(folder / "corpus", folder / "x", **options, **HERE)
    assert kept(summary)["tokenize"] == N_SPLITS - 1
    assert content(folder / "x") == expected


def test_another_plan_starts_again_and_reports_it(
    folder: Path, options: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    stop(folder, options)
    options["shard_tokens"] = 900
    expected = undisturbed(folder / "corpus", folder / "expected", options)
    with caplog.at_level(logging.INFO, logger="infgram.cluster"):
        summary = build(folder / "corpus", folder / "x", **options, **HERE)
    assert "has an unfinished build with another shard tokens; starting over" in caplog.text
    assert set(kept(summary).values()) == {0}
    assert content(folder / "x") == expected


def test_input_that_changes_during_the_build(folder: Path, options: dict[str, Any]) -> None:
    changed = folder / "corpus" / "5.jsonl"

    def change(progress: BuildProgress) -> None:
        if progress.stage == "tokenize" and progress.done == 0:
            changed.write_bytes(changed.read_bytes() + b'{"text": "more"}\n')

    with pytest.raises(InputError, match=rf"{changed}: the file has changed since the build began"):
        build(folder / "corpus", folder / "x", **options, **HERE, progress=change)
    expected = undisturbed(folder / "corpus", folder / "expected", options)
    build(folder / "corpus", folder / "x", **options, **HERE)
    assert content(folder / "x") == expected


def test_existing_outputs(folder: Path, options: dict[str, Any], expected: dict[str, bytes]) -> None:
    shutil.copytree(folder / "expected", folder / "x")
    with pytest.raises(IndexExistsError, match="is already an index"):
        build(folder / "corpus", folder / "x", **options, **HERE)
    assert content(folder / "x") == expected
    (folder / "y").mkdir()
    (folder / "y" / "notes.txt").write_text("mine")
    with pytest.raises(IndexExistsError, match="is not an index, so it is not replaced"):
        build(folder / "corpus", folder / "y", **options, **HERE)
    assert (folder / "y" / "notes.txt").read_text() == "mine"
    with pytest.raises(StorageError, match="a whole bucket; expected a folder in it"):
        build(folder / "corpus", "s3://bucket/", **options, **HERE)


def test_stopped_after_the_manifest(
    folder: Path, options: dict[str, Any], expected: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> None:
        raise Stopped

    with monkeypatch.context() as patch:
        patch.setattr(BuildStorage, "clean", fail)
        with pytest.raises(Stopped):
            build(folder / "corpus", folder / "x", **options, **HERE)
    assert (folder / "x.partial" / "plan.json").exists()
    summary = build(folder / "corpus", folder / "x", **options, **HERE)
    assert summary.stages == ()
    assert summary.n_documents > 200
    assert content(folder / "x") == expected
    assert not (folder / "x.partial").exists()


def test_killed_and_restarted(folder: Path, options: dict[str, Any], expected: dict[str, bytes]) -> None:
    """Kill it later each time, until it finishes; each run finishes more of the build."""
    arguments = json.dumps({**options, **HERE, "scratch": str(folder / "scratch")})
    code = f"import infgram.cluster, json; infgram.cluster.build({str(folder / 'corpus')!r}, {str(folder / 'x')!r}, "
    command = [sys.executable, "-c", f"{code}**json.loads({arguments!r}))"]
    n_killed, moment_s = 0, 0.0
    while n_killed < 3 or not (folder / "x" / "manifest.json").exists():
        process = subprocess.Popen(command, cwd=folder)
        plan = folder / "x.partial" / "plan.json"
        while process.poll() is None and not plan.exists():
            time.sleep(0.01)
        time.sleep(moment_s)
        moment_s += 0.1
        os.kill(process.pid, signal.SIGKILL)
        n_killed += process.wait() == -signal.SIGKILL
        assert n_killed < 100
    if (folder / "x.partial").exists():
        build(folder / "corpus", folder / "x", **options, **HERE, scratch=folder / "scratch")
    assert content(folder / "x") == expected
    assert list((folder / "scratch").iterdir()) == []
