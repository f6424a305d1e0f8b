"""Tokenization on several threads keeps the order and the metadata, with any encoder."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pytest
from tokenizers import Tokenizer as HubTokenizer, normalizers

from infgram.corpus import SourceDocument
from infgram.errors import InputError
from infgram.indexing.tokenize import Batch, _sample, tokenize
from infgram.tokenizers import BytesTokenizer, EncodeBatch, HuggingFaceTokenizer, Tokenizer, train_bpe

module = sys.modules[tokenize.__module__]  # the package's attribute of that name is the function `build`

TEXTS = [f"document {number} of the cats\n" * (number % 7) + "naïve 日本 <|endoftext|>" for number in range(2500)]


def documents(texts: Sequence[str] = TEXTS) -> Iterator[SourceDocument]:
    for number, text in enumerate(texts):
        yield SourceDocument(text, {"n": number, "ö": "é"} if number % 2 else {}, "a.jsonl", number + 1)


def special() -> HuggingFaceTokenizer:
    trained = train_bpe(TEXTS[:5], 400)
    assert isinstance(trained, HuggingFaceTokenizer)
    inner = HubTokenizer.from_str(trained.definition)
    inner.add_special_tokens(["<|endoftext|>"])
    return HuggingFaceTokenizer.wrap(inner)


def tokenized(tokenizer: Tokenizer, threads: int) -> tuple[npt.NDArray[np.uint32], list[int], list[bytes]]:
    batches = list(tokenize(documents(), tokenizer, threads))
    lengths = [length for batch in batches for length in batch.lengths.tolist()]
    metadata = [entry for batch in batches for entry in batch.metadata]
    return np.concatenate([batch.token_ids for batch in batches]), lengths, metadata


@pytest.mark.parametrize("small_corpus", [1, 1 << 40], ids=["engine chosen", "small corpus"])
@pytest.mark.parametrize("threads", [1, 2, 7])
@pytest.mark.parametrize(
    "tokenizer", [BytesTokenizer(), train_bpe(TEXTS[:5], 400), special()], ids=["bytes", "bpe", "special"]
)
def test_order_and_ids(tokenizer: Tokenizer, threads: int, small_corpus: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SMALL_CORPUS", small_corpus)
    token_ids, lengths, metadata = tokenized(tokenizer, threads)
    expected_ids, expected_lengths = tokenizer.encode_batch(TEXTS)
    assert np.array_equal(token_ids, expected_ids)
    assert lengths == expected_lengths.tolist()
    assert [json.loads(entry or b"{}") for entry in metadata] == [document.metadata for document in documents()]
    assert metadata[1] == b'{"n":1,"\\u00f6":"\\u00e9"}'


def test_an_encoder_is_chosen_only_for_large_corpora(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Sequence[str]] = []

    def choose(tokenizer: Tokenizer, sample: Sequence[str], threads: int, slow: EncodeBatch) -> EncodeBatch:
        asked.append(sample)
        return tokenizer.encode_batch

    monkeypatch.setattr(module, "bulk_encoder", choose)
    tokenized(BytesTokenizer(), 2)
    assert asked == []
    monkeypatch.setattr(module, "_SMALL_CORPUS", 10_000)
    tokenized(BytesTokenizer(), 2)
    assert len(asked) == 1
    assert len("".join(asked[0])) > 10_000
    assert "".join(TEXTS).startswith("".join(asked[0]))  # everything that was read, if it is short


def test_the_sample_is_spread() -> None:
    batch = Batch()
    for number in range(4):
        batch.add(SourceDocument(str(number) * 2_000_000, {}, "a", None))
    sample = _sample([batch])
    assert 450_000 < sum(map(len, sample)) < 600_000
    assert {piece[0] for piece in sample} == {"0", "1", "2", "3"}


def test_the_sample_of_many_short_documents_is_as_large() -> None:
    batch = Batch()
    for number in range(80_000):
        batch.add(SourceDocument(f"{number:0100}", {}, "a", None))
    assert 450_000 < sum(map(len, _sample([batch]))) < 600_000


def test_an_error_of_the_reader_stops_the_build() -> None:
    def broken() -> Iterator[SourceDocument]:
        yield from documents()
        raise InputError("damaged")

    with pytest.raises(InputError, match="damaged"):
        list(tokenize(broken(), BytesTokenizer(), 2))


def test_no_thread_runs_after_the_consumer_stops() -> None:
    batches = tokenize(documents(TEXTS * 4), BytesTokenizer(), 2)
    next(batches)
    batches.close()  # type: ignore[attr-defined]


def test_no_documents() -> None:
    assert list(tokenize([], BytesTokenizer(), 2)) == []


def test_the_first_document_that_differs_is_named(caplog: pytest.LogCaptureFixture) -> None:
    trained = special()
    inner = HubTokenizer.from_str(trained.definition)
    inner.normalizer = normalizers.NFC()
    tokenizer = HuggingFaceTokenizer.wrap(inner)
    assert tokenizer.keeps("naïve")
    assert not tokenizer.keeps("e\u0301")
    list(tokenize(documents(["naïve", "\u1100", "cafe\u0301", "e\u0301"]), tokenizer, 2))
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "the first document that decodes to another text is a.jsonl, line 3" in caplog.messages[0]


@pytest.mark.parametrize("threads", [1, 2, 4])
@pytest.mark.parametrize("in_flight_bytes", [0, 100_000, 1_000_000])
def test_reading_waits_for_pending_batches(threads: int, in_flight_bytes: int) -> None:
    under_way = most = 0

    def watched() -> Iterator[SourceDocument]:
        nonlocal under_way, most
        for number in range(4000):
            under_way += 1
            most = max(most, under_way)
            yield SourceDocument(f"{number:01000}", {}, "a", None)

    n_documents = 0
    for batch in tokenize(watched(), BytesTokenizer(), threads, in_flight_bytes):
        under_way -= len(batch.lengths)
        n_documents += len(batch.lengths)
    assert n_documents == 4000
    assert most <= 3 + in_flight_bytes / 2000
