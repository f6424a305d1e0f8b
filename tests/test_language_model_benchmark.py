"""The benchmark of language models runs and reports results; their quality is not tested."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from infgram.tokenizers import train_bpe
from tests.lm.test_transformers import tiny_llama

RUN = Path(__file__).parent.parent / "benchmarks" / "language_model.py"
WORDS = ["to", "be", "or", "not", "that", "is", "the", "question", "whether", "it", "nobler", "in", "mind", "suffer"]


def text(seed: int) -> str:
    return " ".join(WORDS[(seed * 7 + place * (3 + seed % 5)) % len(WORDS)] for place in range(40))


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[dict[str, Any]], str]:
    folder = tmp_path_factory.mktemp("benchmark")
    zstd = import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")
    for number, name in enumerate(("books", "dclaw")):
        (folder / name).mkdir()
        for split, seeds in (("train", range(20)), ("valid", range(20, 26)), ("test", range(26, 32))):
            with zstd.open(folder / name / f"{split}.jsonl.zst", "wt", encoding="utf-8") as file:
                file.writelines(json.dumps({"text": text(100 * number + seed)}) + "\n" for seed in seeds)
    (folder / "tokenizers" / "mix8k").mkdir(parents=True)
    tokenizer = train_bpe([text(seed) for seed in range(20)], 300)
    tokenizer.save(folder / "tokenizers" / "mix8k")
    tiny_llama(tokenizer.vocab_size).save_pretrained(folder / "mix-lm")
    command = [sys.executable, str(RUN), str(folder), "--set", "books", "--set", "dclaw"]
    command += ["--folder", str(folder / "work"), "--record", str(folder / "record"), "--max-tokens", "300"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = (folder / "record" / "language_model.json").read_text().splitlines()
    return [json.loads(line) for line in lines], (folder / "record" / "language_model.md").read_text()


def test_every_set_is_measured_with_every_index(record: tuple[list[dict[str, Any]], str]) -> None:
    machine, *rows = record[0]
    assert machine["question"] == "machine"
    assert [(row["set"], row["index"]) for row in rows] == [
        ("books", "all"),
        ("books", "books"),
        ("books", "dclaw"),
        ("dclaw", "all"),
        ("dclaw", "dclaw"),
        ("dclaw", "books"),
    ]
    for row in rows:
        assert 100 < row["n_positions"] <= 300 - row["n_documents"]
        assert {"neural", "paper", "kn5", "smoothed", "gated"} <= set(row["perplexity"])
    by_set = {row["set"]: row["perplexity"]["neural"] for row in rows}
    assert all(row["perplexity"]["neural"] == by_set[row["set"]] for row in rows)


def test_the_page_has_the_figures(record: tuple[list[dict[str, Any]], str]) -> None:
    rows, page = record
    assert page.startswith("# Language models\n")
    assert f"{rows[1]['perplexity']['gated']:.2f}" in page
    assert page.count("\n## ") == 12
    assert "gate" in page.rpartition("## Goals")[2]
