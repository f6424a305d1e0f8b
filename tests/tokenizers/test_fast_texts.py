"""Which texts the fast encoder may encode: none with an added token, or that normalization may change."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from hypothesis import given, strategies as st

from infgram.tokenizers.fast_texts import FastTexts, is_nfc


def fast_texts(*added: dict[str, Any], normalizer: dict[str, Any] | None = None, model: str = "BPE") -> FastTexts:
    return FastTexts({"model": {"type": model}, "normalizer": normalizer, "added_tokens": list(added)})


def test_texts_with_added_tokens_use_the_reference() -> None:
    texts = fast_texts({"content": "<|end|>", "special": True}, {"content": "[SEP]"}, {"content": "<|end|><|end|>"})
    assert texts.is_any
    for text in ("", "a", "<|end|", "[SEP", "|end|>", "< |end|>", "<|e<|start|>nd|>"):
        assert texts.takes(text)
    for text in ("<|end|>", "a[SEP]b", "<|end|><|end|>", "x<|<|end|>|>"):
        assert not texts.takes(text)


def test_white_space_that_is_an_added_token() -> None:
    assert fast_texts({"content": "  "}, {"content": "    "}).takes("a  b     c")
    for flag in ("special", "lstrip", "rstrip", "single_word"):
        assert not fast_texts({"content": "  ", flag: True}).takes("a  b")


@pytest.mark.parametrize("name", ["Lowercase", "NFKC", "NFD", "Strip", "Precompiled", "BertNormalizer"])
def test_unsupported_normalizers(name: str) -> None:
    assert not fast_texts(normalizer={"type": name}).is_any
    assert not fast_texts(normalizer={"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": name}]}).is_any


def test_supported_normalizers() -> None:
    prepend = {"type": "Sequence", "normalizers": [{"type": "Prepend"}, {"type": "Replace"}]}
    assert fast_texts(normalizer=prepend).is_any
    assert not fast_texts({"content": "a b", "normalized": True}, normalizer=prepend).is_any
    assert fast_texts({"content": "a b", "normalized": True}, normalizer={"type": "NFC"}).is_any


def test_only_byte_pair_encoding() -> None:
    assert not fast_texts(model="WordPiece").is_any


def test_texts_that_nfc_may_change_use_the_reference() -> None:
    texts = fast_texts(normalizer={"type": "NFC"})
    assert texts.takes("plain “quoted” naïve café — 日本 Привет 각")
    for text in ("e\u0301", "\u212a", "\u1100\u1161", "\u0378"):
        assert not texts.takes(text)
        assert fast_texts().takes(text)


SAFE = [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000 and is_nfc(chr(code))]


SECOND_HALVES = {
    chr(int(parts[1], 16))
    for parts in (unicodedata.decomposition(chr(code)).split() for code in range(0x110000))
    if len(parts) == 2 and not parts[0].startswith("<")
}


def test_characters_accepted_as_nfc_are_starters_and_stable() -> None:
    assert len(SAFE) > 20_000
    for letter in SAFE:
        assert unicodedata.category(letter) != "Cn"  # an unassigned character may become a mark
        assert unicodedata.combining(letter) == 0
        assert unicodedata.is_normalized("NFC", letter)
    assert SECOND_HALVES.isdisjoint(SAFE)


@given(st.text(st.sampled_from(SAFE)))
def test_texts_accepted_as_nfc_are_nfc(text: str) -> None:
    assert unicodedata.normalize("NFC", text) == text
