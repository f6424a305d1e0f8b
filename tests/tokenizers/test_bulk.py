"""Bulk encoding: the ids of every engine equal those of the reference."""

from __future__ import annotations

import logging
import os
import random
import sys
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from tokenizers import AddedToken, Tokenizer, models, normalizers

from infgram.errors import QueryError
from infgram.tokenizers import BytesTokenizer, HuggingFaceTokenizer, bulk_encoder, train_bpe
from infgram.tokenizers.bulk import BulkEncoder, first_difference
from infgram.tokenizers.fast import Engine, EngineError, FastEngine
from infgram.tokenizers.hard_texts import hard_texts
from infgram.tokenizers.native_errors import NativeErrors
from infgram.types import Int64Array

SAMPLE = [
    "the cat sat on the mat, the cats sat there; it's 12 or 1234\r\n  and   more\n\n" * 3,
    "naïve café — 日本語のテキスト 日本語 \U0001f600 \U0001f600",
]


def trained(change: Callable[[Tokenizer], object] = lambda _: None) -> HuggingFaceTokenizer:
    tokenizer = train_bpe(SAMPLE, 400)
    assert isinstance(tokenizer, HuggingFaceTokenizer)
    inner = Tokenizer.from_str(tokenizer.definition)
    change(inner)
    return HuggingFaceTokenizer.wrap(inner)


def with_special_tokens(tokenizer: Tokenizer) -> None:
    tokenizer.add_special_tokens(["<|endoftext|>", "<pad>"])
    tokenizer.add_tokens(["[SEP]", "  ", "    ", AddedToken("x y", lstrip=True), AddedToken("cat", single_word=True)])


CHANGES: dict[str, Callable[[Tokenizer], object]] = {
    "plain": lambda _: None,
    "special and added tokens": with_special_tokens,
    "NFC": lambda tokenizer: setattr(tokenizer, "normalizer", normalizers.NFC()),
}


class Erring:
    """An engine that returns the ids of the reference, except for texts with a certain character."""

    name = "the erring engine"

    def __init__(self, reference: HuggingFaceTokenizer, character: str, failure: BaseException | None = None) -> None:
        self._reference, self._character, self._failure = reference, character, failure

    def encode_batch(self, texts: Sequence[str]) -> tuple[npt.NDArray[np.uint32], Int64Array]:
        if self._failure and any(self._character in text for text in texts):
            with NativeErrors(EngineError, "no encoding"):
                raise self._failure
        return self._reference.encode_batch([text.replace(self._character, "?") for text in texts])


class PanicException(BaseException):
    """The name that PyO3 gives to a panic of Rust code."""


def assert_same(
    encoded: tuple[npt.NDArray[np.uint32], Int64Array], reference: HuggingFaceTokenizer, texts: list[str]
) -> None:
    token_ids, lengths = reference.encode_batch(texts)
    assert (encoded[0].dtype, encoded[1].dtype) == (np.dtype(np.uint32), np.dtype(np.int64))
    assert encoded[0].tolist() == token_ids.tolist()
    assert encoded[1].tolist() == lengths.tolist()


@pytest.fixture(scope="module", params=CHANGES)
def tokenizer(request: pytest.FixtureRequest) -> HuggingFaceTokenizer:
    return trained(CHANGES[request.param])


@pytest.fixture(scope="module")
def bulk(tokenizer: HuggingFaceTokenizer) -> BulkEncoder:
    return BulkEncoder(tokenizer, FastEngine(tokenizer.definition))


pieces = st.text() | st.sampled_from(
    [
        "<|endoftext|>",
        "[SEP]",
        "   ",
        "x y",
        " cat ",
        "cats",
        "\r\n",
        "'s",
        "'S",
        "e\u0301",
        "\x00",
        "日本",
        "1234",
        "a" * 300,
    ]
)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(st.lists(pieces).map("".join)))
def test_ids_equal_the_reference(tokenizer: HuggingFaceTokenizer, bulk: BulkEncoder, texts: list[str]) -> None:
    assert_same(bulk.encode_batch(texts), tokenizer, texts)


def test_hard_texts(tokenizer: HuggingFaceTokenizer, bulk: BulkEncoder) -> None:
    texts = hard_texts([token["content"] for token in tokenizer.added_tokens])
    assert_same(bulk.encode_batch(texts), tokenizer, texts)
    for text in texts:
        assert_same(bulk.encode_batch([text]), tokenizer, [text])


def test_characters_of_all_blocks(tokenizer: HuggingFaceTokenizer, bulk: BulkEncoder) -> None:
    for start in range(0, 0x110000, 0x4000):
        texts = [
            f"a{chr(code)}b {chr(code)}" for code in range(start, start + 0x4000, 19) if not 0xD800 <= code < 0xE000
        ]
        assert_same(bulk.encode_batch(texts), tokenizer, texts)


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_the_fast_engine_is_chosen(tokenizer: HuggingFaceTokenizer, threads: int) -> None:
    encode = bulk_encoder(tokenizer, SAMPLE, threads)
    assert encode != tokenizer.encode_batch
    assert_same(encode(SAMPLE), tokenizer, SAMPLE)


def test_a_difference_is_reported_once(caplog: pytest.LogCaptureFixture) -> None:
    tokenizer = trained()
    sample = [*SAMPLE, "one ünknown word ünknown"]
    encode = bulk_encoder(tokenizer, sample, 2, make_engine=lambda _: Erring(tokenizer, "ü"))
    assert encode == tokenizer.encode_batch
    assert len(caplog.records) == 1
    assert caplog.records[0].levelno == logging.WARNING
    assert "the erring engine differs from it at character " in caplog.messages[0]


def test_the_place_of_a_difference() -> None:
    tokenizer = trained()
    found = first_difference(tokenizer, Erring(tokenizer, "#"), ["the cat", "the cat sat # there"], 2)
    assert found is not None
    wrong, right = tokenizer.encode("?")[0], tokenizer.encode("#")[0]
    assert "at character 12 of a text, '# there'" in found
    assert f"is {wrong}, expected {right}" in found
    assert first_difference(tokenizer, Erring(tokenizer, "#"), ["the cat"], 1) is None


def test_missing_ids_are_a_difference() -> None:
    tokenizer = trained()

    class Short(Erring):
        def encode_batch(self, texts: Sequence[str]) -> tuple[npt.NDArray[np.uint32], Int64Array]:
            return self._reference.encode_batch([text[:-1] for text in texts])

    found = first_difference(tokenizer, Short(tokenizer, "#"), ["cat #"], 1)
    assert found is not None
    assert "is missing, expected" in found


def test_without_the_package_the_reference_encodes(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "fastokens", None)
    tokenizer = trained()
    with caplog.at_level(logging.DEBUG, logger="infgram.tokenizers"):
        assert bulk_encoder(tokenizer, SAMPLE, 2) == tokenizer.encode_batch
    assert [record.levelno for record in caplog.records] == [logging.DEBUG]
    assert "fastokens cannot be imported" in caplog.messages[0]


@pytest.mark.parametrize("failure", [ValueError("no"), PanicException("index out of bounds"), MemoryError()], ids=repr)
def test_the_reference_encodes_a_failed_batch(failure: BaseException, caplog: pytest.LogCaptureFixture) -> None:
    tokenizer = trained()
    bulk = BulkEncoder(tokenizer, Erring(tokenizer, "#", failure))
    assert_same(bulk.encode_batch(["a # b", "c"]), tokenizer, ["a # b", "c"])
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert (
        f"failed on 2 texts, which tokenizers encoded instead: no encoding: {type(failure).__name__}"
        in caplog.messages[0]
    )
    assert_same(bulk.encode_batch(["c"]), tokenizer, ["c"])
    assert len(caplog.records) == 1


def test_an_engine_that_fails_in_the_comparison_is_not_used() -> None:
    tokenizer = trained()
    engine: Engine = Erring(tokenizer, "t", ValueError("no"))
    assert bulk_encoder(tokenizer, SAMPLE, 2, make_engine=lambda _: engine) == tokenizer.encode_batch


def test_other_values_than_text_are_rejected_as_by_the_reference(
    bulk: BulkEncoder, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(QueryError, match="text 1 of the batch contains the lone surrogate"):
        bulk.encode_batch(["fine", "\ud800"])
    with pytest.raises(QueryError, match="text 0 of the batch is of type int"):
        bulk.encode_batch([3])  # type: ignore[list-item]
    assert caplog.records == []


def test_other_tokenizers_encode_themselves() -> None:
    for tokenizer in (
        BytesTokenizer(),
        HuggingFaceTokenizer.wrap(Tokenizer(models.WordLevel({"a": 0}, unk_token="a"))),
    ):
        assert bulk_encoder(tokenizer, SAMPLE, 2) == tokenizer.encode_batch


def test_a_definition_that_the_package_rejects() -> None:
    with pytest.raises(EngineError):
        FastEngine("{}")


def test_the_environment_is_unchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    for value in (None, "3"):
        monkeypatch.delenv("FASTOKENS_BPE_THREADS", raising=False)
        if value:
            monkeypatch.setenv("FASTOKENS_BPE_THREADS", value)
        before = dict(os.environ)
        FastEngine(trained().definition)
        assert dict(os.environ) == before


def test_hard_texts_are_deterministic() -> None:
    assert hard_texts(["<s>"]) == hard_texts(["<s>"])
    assert hard_texts(["<s>"])[: len(hard_texts())] == hard_texts()
    assert 100_000 < sum(len(text.encode()) for text in hard_texts()) < 1_000_000


def test_long_random_texts() -> None:
    tokenizer = trained()
    bulk = BulkEncoder(tokenizer, FastEngine(tokenizer.definition))
    rng = random.Random(3)
    alphabet = ["the ", "cat", " ", "  ", "\n", "\r\n", "1", "23", "'s", "é", "日", "-", ".", "\t", "\u3000", "x" * 40]
    for _ in range(20):
        text = "".join(rng.choices(alphabet, k=20_000))
        assert_same(
            bulk.encode_batch([text, text[:9000], text[:9000] + " "]), tokenizer, [text, text[:9000], text[:9000] + " "]
        )
