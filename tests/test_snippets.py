"""Matches and snippets in characters, for any token boundaries."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

from infgram.snippets import matches_in
from infgram.tokenizers import Tokenizer
from infgram.tokenizers.huggingface import HuggingFaceTokenizer
from infgram.tokenizers.utf8_bytes import BytesTokenizer
from infgram.types import Document

PIECES = [b"a", b" b", "é".encode(), "漢".encode(), "😀".encode(), b"\xe6", b"\xbc", b"\xf0\x9f", "\ufffd".encode()]
WORDS = """{"version": "1.0", "added_tokens": [], "normalizer": null, "pre_tokenizer": {"type": "Whitespace"},
"post_processor": null, "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": true}, "truncation": null,
"padding": null, "model": {"type": "WordPiece", "unk_token": "u", "continuing_subword_prefix": "##",
"max_input_chars_per_word": 9, "vocab": {"u": 0, "a": 1, "##b": 2, ".": 3, "do": 4, "n't": 5}}}"""


def characters(tokenizer: Tokenizer, token_ids: list[int], text: str) -> int:
    """Return the number of characters of the first tokens, by decoding them together."""
    prefix = tokenizer.decode(token_ids)
    while not text.startswith(prefix):
        prefix = prefix[:-1]
    return len(prefix)


def check(tokenizer: Tokenizer, token_ids: list[int], numbers: list[int], snippet_tokens: int) -> None:
    text = tokenizer.decode(token_ids)
    document = Document(0, text, np.array(token_ids, dtype=np.int64), {})
    places = [(0, number % len(token_ids), 1 + number % 3) for number in numbers]
    for match, (_, offset, length) in zip(matches_in(document, places, snippet_tokens, tokenizer), places, strict=True):
        before = snippet_tokens // 2
        bounds = [offset - before, offset, offset + length, offset + length + snippet_tokens - before]
        start, *expected, end = (characters(tokenizer, token_ids[: max(0, bound)], text) for bound in bounds)
        assert [match.match_start, match.match_end] == expected
        assert match.snippet == text[start:end]
        assert match.snippet_match_start == match.match_start - start
        assert match.snippet_match_end == match.match_end - start


@given(
    st.lists(st.sampled_from(PIECES), min_size=1, max_size=12).map(b"".join),
    st.lists(st.integers(0, 60), max_size=5),
    st.integers(0, 6),
)
def test_bytes_that_are_text_or_not(data: bytes, numbers: list[int], snippet_tokens: int) -> None:
    check(BytesTokenizer(), list(data), numbers, snippet_tokens)


@given(
    st.lists(st.integers(0, 5), min_size=1, max_size=12), st.lists(st.integers(0, 60), max_size=5), st.integers(0, 6)
)
def test_tokens_that_decode_differently_beside_others(
    token_ids: list[int], numbers: list[int], snippet_tokens: int
) -> None:
    check(HuggingFaceTokenizer(WORDS), token_ids, numbers, snippet_tokens)


@pytest.mark.parametrize("snippet_tokens", [0, 1, 5])
def test_without_a_tokenizer_there_is_no_text(snippet_tokens: int) -> None:
    document = Document(0, "", np.array([1, 2, 3], dtype=np.int64), {})
    (match,) = matches_in(document, [(0, 1, 2)], snippet_tokens, None)
    assert (match.match_start, match.match_end, match.snippet) == (0, 0, "")
