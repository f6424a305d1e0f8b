"""The benchmarks run and report results; their speed is not tested."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import infgram

RUN = Path(__file__).parent.parent / "benchmarks" / "run.py"


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, object]]:
    folder = tmp_path_factory.mktemp("benchmarks")
    random = np.random.default_rng(1)
    np.save(folder / "ids.npy", random.integers(0, 300, 30_000, dtype=np.uint16))
    np.save(folder / "lengths.npy", np.full(30, 1000))
    (folder / "texts.txt").write_text("to be or not to be\n" * 1000)
    command = [sys.executable, str(RUN), "--ids", str(folder / "ids.npy"), "--lengths", str(folder / "lengths.npy")]
    command += ["--books", str(folder / "texts.txt"), "--source", str(folder), "--tokenizer", "bytes"]
    command += ["--threads", "2", "--repeats", "1", "--folder", str(folder), "--record", str(folder / "record")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not list(folder.glob("infgram-*"))
    words = (folder / "record" / "build.md").read_text()
    assert all(line.strip() in words for line in done.stdout.splitlines()[2:])
    return [json.loads(line) for line in (folder / "record" / "build.json").read_text().splitlines()]


def test_every_question_has_a_result(rows: list[dict[str, object]]) -> None:
    questions = [row["question"] for row in rows]
    assert questions == ["machine", "sort", "sort", *["hard"] * 5, "memory", "text"]


def test_figures_are_those_of_this_corpus(rows: list[dict[str, object]]) -> None:
    sizes = {row["input"]: row["n_tokens"] for row in rows if row["question"] == "hard"}
    assert sizes == {
        "ordinary text": 30_030,
        "one repeated token": 30_030,
        "a period of 1,000": 30_030,
        "one document 10,000 times": 40_000,
        "a Fibonacci word": 30_030,
    }
    (text,) = (row for row in rows if row["question"] == "text")
    assert text["text_bytes"] == 19_000
    assert text["theirs"] is None


def test_duplicates_are_checked_before_they_are_timed(tmp_path: Path) -> None:
    random = np.random.default_rng(2)
    pages = random.integers(0, 300, (20, 400), dtype=np.uint16)
    np.save(tmp_path / "ids.npy", pages[random.integers(0, 20, 30)].ravel())
    np.save(tmp_path / "lengths.npy", np.full(30, 400))
    files = [str(tmp_path / "ids.npy"), str(tmp_path / "lengths.npy")]
    options = ["--tokens", "20000", "--shards", "1", "3", "--repeats", "1", "--folder", str(tmp_path)]
    command = [sys.executable, str(RUN.with_name("dedup.py")), *files, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    machine, one, three = (json.loads(line) for line in done.stdout.splitlines())
    assert (machine["question"], one["shards"], three["shards"]) == ("machine", 1, 3)
    assert one["n_tokens"] == three["n_tokens"] > 19_000
    assert one["n_duplicate_tokens"] == three["n_duplicate_tokens"] > 5_000


def test_removals_are_checked(tmp_path: Path) -> None:
    options = ["--tokens", "60000", "--repeats", "1", "--folder", str(tmp_path)]
    command = [sys.executable, str(RUN.with_name("removals.py")), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    machine, *rows = (json.loads(line) for line in done.stdout.splitlines())
    assert machine["question"] == "machine"
    assert [row["n_removed_tokens"] for row in rows] == [1_000, 10_000, 50_000]


def test_tracing_checks_its_answers_and_prints_its_figures(tmp_path: Path) -> None:
    held_out = "\n".join(f'{{"text": "to be or not to be, number {number}"}}' for number in range(5))
    (tmp_path / "held-out.jsonl").write_text(held_out)
    (tmp_path / "corpus.txt").write_text("to be or not to be, that is the question\n" * 10)
    with infgram.build(tmp_path / "corpus.txt", tokenizer="bytes"):
        command = [sys.executable, str(RUN.with_name("tracing.py")), str(tmp_path / "corpus.infgram")]
    command += [str(tmp_path / "held-out.jsonl"), "--n-tokens", "25"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    _, whole, alone = (json.loads(line) for line in done.stdout.splitlines())
    assert (whole["question"], whole["n_texts"], whole["documents"]) == ("trace", 5, {"p50": 1, "max": 1})
    assert alone["n_tokens"] == 410
    assert alone["infgram"].keys() == {"p50", "p95", "max"}


def test_readings_are_checked_and_recorded(tmp_path: Path) -> None:
    (tmp_path / "corpus.txt").write_text("to be or not to be, that is the question\nTo be\n" * 10)
    with infgram.build(tmp_path / "corpus.txt", tokenizer="bpe:300"):
        command = [sys.executable, str(RUN.with_name("readings.py")), str(tmp_path / "corpus.infgram")]
    command += ["--n-strings", "20", "--record", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    _, same, any_case = (json.loads(line) for line in (tmp_path / "readings.json").read_text().splitlines())
    assert (same["n_strings"], same["share_exact"], any_case["share_exact"]) == (20, 1.0, 1.0)
    assert 0 < any_case["p50_ms"] <= any_case["p95_ms"] <= any_case["max_ms"]
    page = (tmp_path / "readings.md").read_text()
    assert len(done.stdout.splitlines()) == 2
    assert all(line.strip() in page for line in done.stdout.splitlines())


def test_questions_are_recorded_with_their_growth(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    np.save(tmp_path / "ids.npy", (random.zipf(1.3, 300_000) % 3000).astype(np.uint16))
    np.save(tmp_path / "lengths.npy", np.full(500, 600))
    script = str(RUN.with_name("queries.py"))
    command = [sys.executable, script, str(tmp_path / "ids.npy"), str(tmp_path / "lengths.npy"), "--rival-up-to", "0"]
    command += ["--tokens", "2e4", "6e4", "--folder", str(tmp_path), "--record", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in (tmp_path / "queries.json").read_text().splitlines()]
    assert rows[0]["question"] == "machine"
    assert rows[1:] == [json.loads(line) for line in done.stdout.splitlines()]
    page = (tmp_path / "queries.md").read_text()
    sizes = sorted({row["n_tokens"] for row in rows[1:]})
    assert len(sizes) == 2
    assert all(f"## {size:,} tokens" in page for size in sizes)
    assert "## How times grow with the corpus" in page


def test_scale_is_recorded_with_the_predictions_of_the_model(tmp_path: Path) -> None:
    random = np.random.default_rng(4)
    np.save(tmp_path / "ids.npy", (random.zipf(1.3, 300_000) % 3000).astype(np.uint16))
    np.save(tmp_path / "lengths.npy", np.full(500, 600))
    (tmp_path / "texts.jsonl").write_text('{"text": "to be or not to be"}\n' * 1000)
    script = str(RUN.with_name("scale.py"))
    command = [sys.executable, script, "--ids", str(tmp_path / "ids.npy"), "--lengths", str(tmp_path / "lengths.npy")]
    command += ["--tokens", "2e4", "6e4", "1.5e5", "--text", str(tmp_path / "texts.jsonl"), "--tokenizer", "bytes"]
    command += ["--folder", str(tmp_path), "--record", str(tmp_path), "--repeats", "1"]
    for only in ("text", "stages", "wide", "one shard", "many shards"):
        command += ["--only", only]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in (tmp_path / "scale.json").read_text().splitlines()]
    assert rows[1:] == [json.loads(line) for line in done.stdout.splitlines()]
    questions = [row["question"] for row in rows]
    assert questions[:6] == ["machine", "text", "stages", "stages", "stages", "wide"]
    assert questions[6:] == ["latency"] * 6 + ["shards", "fan_out", "fan_out"] * 6
    page = (tmp_path / "scale.md").read_text()
    assert "## Predicted from the smaller sizes / measured" in page
    assert f"| 8 of {rows[-1]['shard_tokens']:,.0f} | infgram | warm | in a row |" in page
