"""Memory is bounded for every input: lines, records and text files have a maximum size."""

from __future__ import annotations

import gzip
import sys
import tracemalloc
from pathlib import Path

import pytest

from infgram.corpus import Corpus
from infgram.errors import InputError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

GOOD = b'{"text": "good"}\n'


@pytest.mark.parametrize(
    ("name", "before", "long"),
    [
        ("a.jsonl", GOOD, b'{"text": "' + b"x" * 5000 + b'"}\n'),
        ("a.csv", b"text\ngood\n", b"x" * 5000 + b"\n"),
        ("a.csv", b"text\ngood\n", b'"' + b"x\n" * 2500 + b'"\n'),
    ],
)
def test_a_record_that_is_too_long_ends_its_file(tmp_path: Path, name: str, before: bytes, long: bytes) -> None:
    (tmp_path / name).write_bytes(before + long + before)
    (tmp_path / "b.txt").write_bytes(b"good")
    assert len(list(Corpus(tmp_path, on_error="skip", longest_document_bytes=5100).documents())) > 2
    with pytest.raises(InputError, match=r"cannot be read after line \d: the next .* longer than 1000 bytes"):
        list(Corpus(tmp_path, longest_document_bytes=1000).documents())
    corpus = Corpus(tmp_path, on_error="skip", longest_document_bytes=1000)
    assert [document.text for document in corpus.documents()] == ["good", "good"]
    assert corpus.bytes_read == corpus.n_bytes


def test_a_text_file_that_is_too_long(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"x" * 1000)
    assert len(list(Corpus(tmp_path, longest_document_bytes=1000).documents())) == 1
    with pytest.raises(InputError, match=r"a\.txt: cannot be read: the file is longer than 999 bytes"):
        list(Corpus(tmp_path, longest_document_bytes=999).documents())


@pytest.mark.parametrize("suffix", ["gz", "zst"])
def test_a_decompression_bomb_is_rejected_in_little_memory(tmp_path: Path, suffix: str) -> None:
    bomb = b"x" * (64 << 20)
    path = tmp_path / f"a.jsonl.{suffix}"
    path.write_bytes(gzip.compress(bomb, 1) if suffix == "gz" else zstd.compress(bomb, 1))
    del bomb
    corpus = Corpus(path, longest_document_bytes=1 << 20)
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match="longer than 1048576 bytes"):
            list(corpus.documents())
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 16 << 20
