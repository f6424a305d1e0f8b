"""A build by tasks and a build on one machine give identical files."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

import infgram
from infgram.cluster import build
from infgram.cluster.indexing import parts
from infgram.cluster.indexing.summary import DOLLARS_PER_CPU_HOUR
from infgram.errors import InputError
from infgram.planning.machine import DEFAULT_MACHINE, MACHINES
from infgram.types import BuildProgress
from tests.cluster.indexing.corpora import CORPORA
from tests.cluster.indexing.stored import LEAST, stored, undisturbed, upload
from tests.indexing.resuming import content


@pytest.fixture(params=CORPORA)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("split_bytes", [1, 2 << 30], ids=["a split a file", "one split"])
def test_one_machine_and_tasks_agree(name: str, folder: Path, split_bytes: int) -> None:
    (folder / "corpus").mkdir()
    options = CORPORA[name](folder / "corpus")
    expected = undisturbed(folder / "corpus", folder / "expected", options)
    summary = build(folder / "corpus", folder / "x", **options, engine="local", split_bytes=split_bytes)
    assert content(folder / "x") == expected
    assert not (folder / "x.partial").exists()
    with infgram.open(folder / "x") as index:
        index.verify()
        assert (summary.n_documents, summary.n_tokens) == (index.n_documents, index.n_tokens)
        assert (summary.n_shards, summary.skipped) == (index.n_shards, index.skipped)
        assert summary.size_bytes == index.info()["size_bytes"]


@pytest.mark.parametrize("most", ["_MOST_TOKENS", "_MOST_DOCUMENTS", "_MOST_METADATA_BYTES"])
def test_any_division_into_parts(name: str, folder: Path, most: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "corpus").mkdir()
    options = CORPORA[name](folder / "corpus")
    expected = undisturbed(folder / "corpus", folder / "expected", options)
    monkeypatch.setattr(parts, most, 3 if most == "_MOST_DOCUMENTS" else 170)
    monkeypatch.setattr(parts, "_AT_ONCE", 50)
    monkeypatch.setattr(parts, "_DOCUMENTS_AT_ONCE", 2)
    build(folder / "corpus", folder / "x", **options, **LEAST, engine="local")
    assert content(folder / "x") == expected


def test_from_a_bucket_to_a_bucket(name: str, folder: Path, bucket: str) -> None:
    (folder / "corpus").mkdir()
    options = CORPORA[name](folder / "corpus")
    expected = undisturbed(folder / "corpus", folder / "expected", options)
    place = f"{bucket}/{name}"
    source = upload(folder / "corpus", f"{place}/corpus")
    summary = build(source, f"{place}/x", **options, **LEAST, engine="local", scratch=folder / "scratch")
    assert stored(f"{place}/x") == expected
    assert stored(f"{place}/x.partial") == {}
    assert summary.location == f"{place}/x"
    assert list((folder / "scratch").iterdir()) == []


def test_the_summary(folder: Path) -> None:
    (folder / "corpus").mkdir()
    options = CORPORA["many_files"](folder / "corpus")
    seen: list[BuildProgress] = []
    summary = build(
        folder / "corpus",
        folder / "x",
        **options,
        **LEAST,
        engine="local",
        dollars_per_cpu_hour=7,
        progress=seen.append,
    )
    stages = {stage.stage: stage for stage in summary.stages}
    assert list(stages) == ["train", "tokenize", "sort"]
    assert [stages[stage].n_tasks for stage in stages] == [1, 10, summary.n_shards]
    assert all(stage.n_kept == 0 and stage.elapsed_s >= 0 for stage in summary.stages)
    n_bytes = sum(map(len, content(folder / "corpus").values()))
    assert stages["tokenize"].bytes_read == n_bytes
    assert stages["sort"].bytes_written == summary.size_bytes
    assert summary.dollars == pytest.approx(7 * summary.cpu_hours)
    assert seen[0] == BuildProgress("tokenize", 0, n_bytes, "bytes")
    assert seen[-1] == BuildProgress("sort", summary.n_tokens, summary.n_tokens, "tokens")


def test_the_price_matches_docs_scale() -> None:
    machine = MACHINES[DEFAULT_MACHINE]
    assert machine.dollars_per_hour / machine.vcpus == DOLLARS_PER_CPU_HOUR


def test_unreadable_input_is_an_error_as_on_one_machine(folder: Path) -> None:
    cases: dict[str, tuple[str, dict[str, Any]]] = {
        "bad": ('{"text": 1}\n', {}),
        "no-field": ('{"a": 1}\n', {"on_error": "skip"}),
        "none": ("", {"on_error": "skip"}),
        "none-either": ("[]\n", {"on_error": "skip"}),
    }
    for name, (text, options) in cases.items():
        (folder / name).mkdir()
        (folder / name / "b.jsonl").write_text(text)
        (folder / name / "a.jsonl").write_text("")
        with pytest.raises(InputError) as expected:
            infgram.build(folder / name, folder / "x", **options, tokenizer="bytes")
        with pytest.raises(InputError) as found:
            build(folder / name, folder / "x", **options, **LEAST, tokenizer="bytes", engine="local")
        assert str(found.value) == str(expected.value)
        assert not (folder / "x" / "manifest.json").exists()


def test_standard_input_is_rejected(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(json.dumps({"text": "x"}).encode())))
    with pytest.raises(InputError, match="write it to a file first"):
        build("-", folder / "x", engine="local")


def test_dangling_links_are_skipped(folder: Path) -> None:
    (folder / "corpus").mkdir()
    options = CORPORA["one_file"](folder / "corpus")
    (folder / "corpus" / "link.txt").symlink_to(folder / "nowhere")
    expected = undisturbed(folder / "corpus", folder / "expected", options)
    build(folder / "corpus", folder / "x", **options, **LEAST, engine="local")
    assert content(folder / "x") == expected
