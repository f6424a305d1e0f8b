"""Small corpora of every size, with any number of threads, have the suffix order of the reference.

Dividing the work is difficult for small corpora: fewer tokens than threads, and empty parts.
"""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

import infgram
from tests.building import temporary_folder
from tests.reference import ReferenceIndex

SIZES = [*range(20), 31, 32, 33, 63, 64, 65, 127, 255, 257, 511, 513, 1000, 1024, 2049, 4096, 10_000]
THREADS = [1, 2, 3, 5, 16]


def texts_of(n_bytes: int) -> list[str]:
    """Return texts of `n_bytes` bytes in total, with repetitions, some of them empty."""
    numbers = random.Random(n_bytes)
    source = "".join(numbers.choices(["ab", "aab", "the ", "cat ", "b"], k=n_bytes // 2 + 1))[:n_bytes]
    cuts = sorted(numbers.randrange(n_bytes + 1) for _ in range(n_bytes // 60))
    return [source[begin:end] for begin, end in zip([0, *cuts], [*cuts, n_bytes], strict=True)]


def check(n_bytes: int, all_threads: list[int]) -> None:
    texts = texts_of(n_bytes)
    expected = ReferenceIndex([list(text.encode()) for text in texts], 255).suffix_array()
    with temporary_folder(0) as folder:
        corpus = folder / "corpus.jsonl"
        corpus.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")
        arrays = set()
        for threads in all_threads:
            output = folder / f"{threads}"
            with infgram.build(corpus, output, tokenizer="bytes", threads=threads) as index:
                assert index.n_tokens == n_bytes
                assert [(place.document_id, place.offset) for place in index.locate([])] == expected
                index.verify()
            arrays.add((output / "shard-00000" / "suffix_array.bin").read_bytes())
        assert len(arrays) == 1


@pytest.mark.parametrize("n_bytes", SIZES)
def test_a_selection(n_bytes: int) -> None:
    check(n_bytes, THREADS)


@pytest.mark.torture
@pytest.mark.parametrize("n_bytes", [*range(1024), *range(1024, 65_537, 512)])
def test_every_size_and_number_of_threads(n_bytes: int) -> None:
    check(n_bytes, list(range(1, 17)))


def test_an_empty_corpus(tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_bytes(b"")
    with infgram.build(tmp_path / "empty.txt", tokenizer="bytes", threads=16) as index:
        assert (index.n_documents, index.n_tokens, index.count("a"), index.locate([])) == (1, 0, 0, [])
        index.verify()
