"""`infgram build` with an engine, or to a URL."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cli.running import run
from tests.cluster.indexing.stored import stored, undisturbed
from tests.indexing.resuming import OPTIONS, content, write_corpus

WORDS = ("--tokenizer", OPTIONS["tokenizer"], "--shard-tokens", OPTIONS["shard_tokens"], "--on-error", "skip")


@pytest.fixture
def corpus(folder: Path) -> Path:
    return write_corpus(folder / "corpus.jsonl")


@pytest.fixture
def expected(folder: Path, corpus: Path) -> dict[str, bytes]:
    return undisturbed(corpus, folder / "expected", OPTIONS)


def test_an_engine(folder: Path, corpus: Path, expected: dict[str, bytes]) -> None:
    done = run("build", corpus, *WORDS, "--engine", "local", "--threads", 1, "--json")
    answer = done.json
    assert content(folder / "corpus.infgram") == expected
    assert answer["path"] == str(folder / "corpus.infgram")
    assert [entry["line"] for entry in answer["skipped"]] == [101]
    assert answer["n_documents"] == 300
    assert answer["n_shards"] == len({name.partition("/")[0] for name in expected if name.startswith("shard-")})
    assert [(stage["stage"], stage["n_kept"]) for stage in answer["stages"]] == [
        ("train", 0),
        ("tokenize", 0),
        ("sort", 0),
    ]
    assert answer["dollars"] == pytest.approx(answer["cpu_hours"] * answer["dollars_per_cpu_hour"])
    assert '"event": "progress"' in done.stderr


def test_a_url_without_an_engine(corpus: Path, expected: dict[str, bytes], bucket: str) -> None:
    done = run("build", corpus, *WORDS, "-o", f"{bucket}/cli/x", "--scratch", corpus.parent / "scratch")
    assert stored(f"{bucket}/cli/x") == expected
    assert done.code == 0
    assert f"index: {bucket}/cli/x\n" in done.stdout
    assert "skipped 1 piece of input that cannot be read:" in done.stdout
    assert "CPU hours" in done.stdout
    taken = run("build", corpus, *WORDS, "-o", f"{bucket}/cli/x")
    assert taken.code != 0
    assert f"{bucket}/cli/x is already an index; choose another output" in taken.stderr
    quiet = run("build", corpus, *WORDS, "-o", f"{bucket}/cli/y", "--quiet")
    assert (quiet.code, quiet.stdout) == (0, "")


def test_incompatible_options(folder: Path, corpus: Path) -> None:
    for words, message in {
        ("--engine", "local", "--overwrite"): "--overwrite cannot be used with --engine",
        ("-o", "s3://bucket/x", "--vocab-size", "9"): "--vocab-size cannot be used with --engine or with a URL",
        ("--scratch", "x"): "--scratch needs a build in tasks",
        ("--engine", "spark"): "'spark' is not one of 'local', 'ray'",
    }.items():
        done = run("build", corpus, *words)
        assert done.code == 2
        assert message in " ".join(done.stderr.replace("│", "").split())
    assert os.listdir(folder) == ["corpus.jsonl"]
