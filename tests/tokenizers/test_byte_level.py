"""Which definitions are recognized as lossless: never a tokenizer that is not."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from tokenizers import AddedToken, Regex, Tokenizer, decoders, normalizers, pre_tokenizers

from infgram.tokenizers import BytesTokenizer, HuggingFaceTokenizer, train_bpe
from infgram.tokenizers.byte_level import byte_of_letter

Change = Callable[[Tokenizer], object]


def set_pre_tokenizer(tokenizer: Tokenizer, *parts: pre_tokenizers.PreTokenizer) -> None:
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(list(parts))


def changed(change: Change) -> HuggingFaceTokenizer:
    trained = train_bpe(["the cat sat on the mat, the cats sat there " * 3], 300)
    assert isinstance(trained, HuggingFaceTokenizer)
    tokenizer = Tokenizer.from_str(trained._definition)
    change(tokenizer)
    return HuggingFaceTokenizer.wrap(tokenizer)


BYTE_LEVEL = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)

LOSSLESS: dict[str, Change] = {
    "nothing": lambda _: None,
    "a special token": lambda tokenizer: tokenizer.add_special_tokens(["<|endoftext|>"]),
    "added tokens": lambda tokenizer: tokenizer.add_tokens(["[SEP]", "日本", "a b", "  "]),
    "added tokens of byte letters": lambda tokenizer: tokenizer.add_tokens(["café", "ü"]),
    "special tokens that would swallow spaces": lambda tokenizer: tokenizer.add_special_tokens(
        [AddedToken("<mask>", lstrip=True, rstrip=True, special=True)]
    ),
    "a sequence of no normalizers": lambda tokenizer: setattr(tokenizer, "normalizer", normalizers.Sequence([])),
    "cuts by a pattern and at digits": lambda tokenizer: set_pre_tokenizer(
        tokenizer, pre_tokenizers.Split(Regex(r"\s+|\w+"), "isolated"), pre_tokenizers.Digits(True), BYTE_LEVEL
    ),
}

NOT_KNOWN: dict[str, Change] = {
    "normalizes": lambda tokenizer: setattr(tokenizer, "normalizer", normalizers.NFC()),
    "a space in front": lambda tokenizer: setattr(tokenizer, "pre_tokenizer", pre_tokenizers.ByteLevel(True)),
    "removes spaces": lambda tokenizer: set_pre_tokenizer(tokenizer, pre_tokenizers.Split(" ", "removed"), BYTE_LEVEL),
    "drops white space": lambda tokenizer: set_pre_tokenizer(tokenizer, pre_tokenizers.Whitespace(), BYTE_LEVEL),
    "another decoder": lambda tokenizer: setattr(tokenizer, "decoder", decoders.Fuse()),
    "no decoder": lambda tokenizer: setattr(tokenizer, "decoder", None),
    "a token that swallows spaces": lambda tokenizer: tokenizer.add_tokens([AddedToken("[SEP]", lstrip=True)]),
    "a token that is a byte, too": lambda tokenizer: tokenizer.add_tokens(["é"]),
}


@pytest.mark.parametrize("change", LOSSLESS.values(), ids=LOSSLESS.keys())
def test_lossless(change: Change) -> None:
    assert changed(change).is_lossless


@pytest.mark.parametrize("change", NOT_KNOWN.values(), ids=NOT_KNOWN.keys())
def test_not_known_to_be_lossless(change: Change) -> None:
    assert not changed(change).is_lossless


@pytest.mark.parametrize(("byte", "expected"), [(0xF5, True), (0xC0, True), (0xF4, False), (0x00, False)])
def test_bytes_that_never_occur_in_utf8_may_be_missing(byte: int, expected: bool) -> None:
    definition = json.loads(changed(lambda _: None).definition)
    letter = next(letter for letter, value in byte_of_letter().items() if value == byte)
    del definition["model"]["vocab"][letter]
    tokenizer = HuggingFaceTokenizer(json.dumps(definition))
    assert tokenizer.is_lossless == expected
    if expected:
        every = "".join(chr(code) for code in range(0, 0x110000, 0x7F) if not 0xD800 <= code < 0xE000)
        assert tokenizer.decode(tokenizer.encode(every)) == every


def test_bytes_are_lossless() -> None:
    assert BytesTokenizer().is_lossless


@pytest.fixture(scope="module", params=LOSSLESS)
def tokenizer(request: pytest.FixtureRequest) -> HuggingFaceTokenizer:
    return changed(LOSSLESS[request.param])


pieces = st.text() | st.sampled_from(
    ["[SEP]", "日本", "a b", "   ", "<|endoftext|>", " <mask> ", "ü", "café", "飞", " the cats", "12 345", "\r\n", "é"]
)


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.lists(pieces).map("".join))
def test_recognized_tokenizers_are_lossless(tokenizer: HuggingFaceTokenizer, text: str) -> None:
    assert tokenizer.decode(tokenizer.encode(text)) == text
