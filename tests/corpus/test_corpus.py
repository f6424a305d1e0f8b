"""The corpus: streaming, repeated reading, counters."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest

from infgram.corpus import Corpus
from infgram.errors import InputError


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """Text, JSON lines and compressed JSON lines, each with an error."""
    rows = "".join(json.dumps({"text": f"row {i}"}) + "\n" for i in range(5000)).encode()
    (tmp_path / "a.txt").write_bytes(b"plain" * 1000)
    (tmp_path / "b.bin").write_bytes(b"\xff" * 1000)
    (tmp_path / "c.jsonl").write_bytes(rows + b"bad\n")
    (tmp_path / "d.jsonl.gz").write_bytes(gzip.compress(rows))
    return tmp_path


def test_bytes_read_rises_to_n_bytes(mixed: Path) -> None:
    corpus = Corpus(mixed, on_error="skip")
    assert corpus.n_bytes == sum(path.stat().st_size for path in mixed.iterdir())
    assert corpus.n_files == 4
    assert corpus.bytes_read == 0
    seen = []
    for _ in corpus.documents():
        seen.append(corpus.bytes_read)
    assert seen == sorted(seen)
    assert 0 <= seen[0] < seen[-1] <= corpus.n_bytes
    assert corpus.bytes_read == corpus.n_bytes


def test_each_call_starts_at_the_beginning(mixed: Path) -> None:
    corpus = Corpus(mixed, on_error="skip")
    first = list(corpus.documents())
    assert len(corpus.skipped) == 2
    documents = corpus.documents()
    assert (corpus.bytes_read, corpus.skipped) == (0, [])
    next(documents)
    assert list(corpus.documents()) == first
    assert len(corpus.skipped) == 2


def test_a_sample_does_not_change_the_counters(mixed: Path) -> None:
    corpus = Corpus(mixed, on_error="skip")
    list(corpus.documents())
    before = (corpus.bytes_read, list(corpus.skipped))
    assert list(corpus.sample_texts(1000))
    assert (corpus.bytes_read, corpus.skipped) == before


def test_a_sample_fails_where_reading_fails(mixed: Path) -> None:
    with pytest.raises(InputError, match=r"b\.bin"):
        list(Corpus(mixed).sample_texts(1000))


def test_lines_are_streamed(tmp_path: Path) -> None:
    line = json.dumps({"text": "x" * 10_000}).encode() + b"\n"
    (tmp_path / "a.jsonl").write_bytes(line * 2000)  # 20 MB
    corpus = Corpus(tmp_path / "a.jsonl")
    tracemalloc.start()
    try:
        n = sum(1 for _ in corpus.documents())
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert n == 2000
    assert peak_bytes < 5_000_000


def test_importing_loads_neither_tokenizers_nor_zstd() -> None:
    code = (
        "import sys, infgram.corpus, infgram.tokenizers; "
        "print([name for name in ('tokenizers', 'backports.zstd', 'compression.zstd') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-I", "-c", code], check=True, capture_output=True, text=True)
    assert result.stdout.strip() == "[]"
