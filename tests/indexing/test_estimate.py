"""The estimate of a dry run agrees with the build, within its interval."""

from __future__ import annotations

import csv
import gzip
import importlib
import json
import random
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import infgram
from infgram.corpus import Corpus
from infgram.indexing.estimate import Ratio, sample_corpus
from infgram.indexing.tokenizer_choice import TokenizerChoice
from infgram.tokenizers import BytesTokenizer, Tokenizer, train_bpe

N_BYTES = 3_000_000
READ_BYTES = 400_000
"""Of the corpora, in these tests: the rest is estimated."""


def texts(seed: int = 0) -> list[str]:
    """Documents of very different lengths in two languages, one in each half."""
    chance = random.Random(seed)
    words = [
        ["".join(chance.choices(letters, k=chance.randint(1, 12))) for _ in range(5000)]
        for letters in ("etaoinshrdlu", "абвгдежзик")
    ]
    found: list[str] = []
    n_bytes = 0
    while n_bytes < N_BYTES:
        language = int(chance.random() < n_bytes / N_BYTES)
        n_words = int(chance.paretovariate(1.2) * 20) % 20_000
        found.append(" ".join(chance.choices(words[language], k=n_words)))
        n_bytes += len(found[-1].encode())
    return found


TEXTS = texts()


def as_lines(folder: Path) -> None:
    lines = "".join(json.dumps({"text": text, "n": n}, ensure_ascii=False) + "\n" for n, text in enumerate(TEXTS))
    (folder / "x.jsonl").write_text(lines, encoding="utf-8")


def as_gzip(folder: Path) -> None:
    as_lines(folder)
    (folder / "x.jsonl.gz").write_bytes(gzip.compress((folder / "x.jsonl").read_bytes(), 1))
    (folder / "x.jsonl").unlink()


def as_zstd(folder: Path) -> None:
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    as_lines(folder)
    (folder / "x.jsonl.zst").write_bytes(zstd.compress((folder / "x.jsonl").read_bytes()))
    (folder / "x.jsonl").unlink()


def as_csv(folder: Path) -> None:
    with open(folder / "x.csv", "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["text"], *([text] for text in TEXTS)])


def as_parquet(folder: Path) -> None:
    pa = pytest.importorskip("pyarrow", reason="needs pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs pyarrow")
    parquet.write_table(pa.table({"text": TEXTS}), folder / "x.parquet", row_group_size=len(TEXTS) // 3)


def as_files(folder: Path) -> None:
    for number, text in enumerate(TEXTS):
        (folder / f"{number:06}.txt").write_text(text, encoding="utf-8")


FORMS = [as_lines, as_gzip, as_zstd, as_csv, as_parquet, as_files]
WHOLE = sum(len(text.encode()) for text in TEXTS)


@pytest.mark.parametrize("form", FORMS)
def test_a_corpus_that_is_read_completely_is_exact(tmp_path: Path, form: Callable[[Path], None]) -> None:
    form(tmp_path)
    found = infgram.estimate_build(tmp_path, tokenizer="bytes")
    assert (found.n_tokens, found.n_documents) == (WHOLE, len(TEXTS))
    assert found.n_tokens_interval == (WHOLE, WHOLE)
    assert found.sampled_bytes == found.input_bytes


@pytest.mark.parametrize("form", [as_lines, as_files])
def test_the_sample_covers_the_input(tmp_path: Path, form: Callable[[Path], None]) -> None:
    """Parts of all files are read, also if the end differs from the beginning and most documents are short."""
    form(tmp_path)
    sample, _ = sample_corpus(Corpus(tmp_path), TokenizerChoice(BytesTokenizer()), 1, READ_BYTES)
    found = sample.scaled(255, 8, 10**9, 1)
    assert found.sampled_bytes < 3 * READ_BYTES  # documents are longer than one read
    assert found.n_documents == pytest.approx(len(TEXTS), rel=0.3)
    assert found.n_tokens == pytest.approx(WHOLE, rel=0.03)
    low, high = found.n_tokens_interval
    assert low <= WHOLE <= high
    assert (high - low) / WHOLE < 0.1


@pytest.mark.parametrize("form", [as_gzip, as_zstd, as_csv, as_parquet])
def test_bytes_read_ahead_are_not_counted(
    tmp_path: Path, form: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bytes that are read ahead do not count as bytes of the documents."""
    monkeypatch.setattr(sys.modules[__name__], "TEXTS", random.Random(1).sample(TEXTS, len(TEXTS)))
    form(tmp_path)
    sample, _ = sample_corpus(Corpus(tmp_path), TokenizerChoice(BytesTokenizer()), 1, READ_BYTES)
    found = sample.scaled(255, 8, 10**9, 1)
    assert found.sampled_bytes < found.input_bytes
    low, high = found.n_tokens_interval
    assert low <= WHOLE <= high
    assert (high - low) / WHOLE < 0.5
    assert found.n_tokens == pytest.approx(WHOLE, rel=0.15)


@pytest.mark.parametrize("tokenizer", [train_bpe(TEXTS[:200], 1000), None])
def test_only_a_sample_is_encoded(tmp_path: Path, tokenizer: Tokenizer | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A corpus is read completely but encoded partly. A tokenizer is trained as in the build."""
    monkeypatch.setattr(importlib.import_module("infgram.indexing.estimate"), "_ENCODED_BYTES", 1_000_000)
    as_lines(tmp_path)
    found = infgram.estimate_build(tmp_path, tokenizer=tokenizer or "bpe:400")
    with infgram.build(tmp_path / "x.jsonl", tokenizer=tokenizer or "bpe:400") as index:
        n_tokens = index.n_tokens
    assert found.n_documents == len(TEXTS)
    assert found.n_tokens == pytest.approx(n_tokens, rel=0.03)
    low, high = found.n_tokens_interval
    assert low <= n_tokens <= high
    assert 0 < (high - low) / n_tokens < 0.1


def test_a_large_text_beside_large_tables(tmp_path: Path) -> None:
    """Tables beside a text are not read completely, and the text is in the sample."""
    as_gzip(tmp_path)
    (tmp_path / "x.jsonl.gz").rename(tmp_path / "b.jsonl.gz")
    (tmp_path / "a.txt").write_text("a" * 2_000_000)
    seen = list(Corpus(tmp_path).peek(100_000))
    texts = [each.document for each in seen if each.document is not None]
    assert any(document.source == "a.txt" for document in texts)
    assert len({document.text for document in texts if document.source == "b.jsonl.gz"}) < len(set(TEXTS)) / 2


def test_the_interval_of_a_ratio() -> None:
    assert Ratio.of([2, 4], [1, 2], 3) == Ratio(2.0, 0.0)
    assert Ratio.of([2, 4], [1, 2], 100).error == 0
    unsure = Ratio.of([2, 5], [1, 2], 100)
    assert unsure.value == pytest.approx(7 / 3)
    assert 0 < Ratio.of([2, 5], [1, 2], 4).error < unsure.error < 1
    assert Ratio.of([2], [1], 100).error == 1
    assert Ratio.of([], [], 0) == Ratio()
