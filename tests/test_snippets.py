"""Parts of a document's text, and matches with snippets: always slices of the text that the whole document has."""

from __future__ import annotations

import json
from typing import Any, Final

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from infgram import snippets
from infgram.snippets import DocumentText, matches_in
from infgram.tokenizers import Tokenizer, train_bpe
from infgram.tokenizers.huggingface import HuggingFaceTokenizer
from infgram.tokenizers.utf8_bytes import BytesTokenizer
from infgram.types import Int64Array

PIECES = [b"a", b" b", "é".encode(), "漢".encode(), "😀".encode(), b"\xe6", b"\xbc", b"\xf0\x9f", "\ufffd".encode()]


def defined(decoder: Any, *tokens: str) -> Tokenizer:
    """A tokenizer with a decoder; words are its tokens."""
    definition = {
        "version": "1.0",
        "added_tokens": [],
        "normalizer": None,
        "pre_tokenizer": {"type": "Whitespace"},
        "post_processor": None,
        "decoder": decoder,
        "truncation": None,
        "padding": None,
        "model": {"type": "WordLevel", "unk_token": tokens[0], "vocab": {token: n for n, token in enumerate(tokens)}},
    }
    return HuggingFaceTokenizer(json.dumps(definition))


def steps(*decoders: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Sequence", "decoders": list(decoders)}


SPACE: Final = {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}
BYTES: Final = {"type": "ByteFallback"}
FUSE: Final = {"type": "Fuse"}
STRIP: Final = {"type": "Strip", "content": " ", "start": 1, "stop": 0}
METASPACE: Final = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}
SENTENCEPIECE: Final = (
    "u",
    "▁",
    "▁a",
    "b",
    "▁漢",
    "▁▁",
    *(f"<0x{byte:02X}>" for byte in (0x0A, 0xE6, 0xBC, 0xA2, 0xF0)),
)

IN_PARTS: Final = {
    "bytes": BytesTokenizer(),
    "BPE": train_bpe(["a é漢 😀 a é漢 😀 漢漢"], 270),
    "WordPiece": defined({"type": "WordPiece", "prefix": "##", "cleanup": True}, "u", "a", "##b", ".", "do", "n't"),
    "Llama": defined(steps(SPACE, BYTES, FUSE, STRIP), *SENTENCEPIECE),
    "Gemma": defined(steps(SPACE, BYTES, FUSE), *SENTENCEPIECE),
    "T5": defined(METASPACE, *SENTENCEPIECE),
    "no decoder": defined(None, "u", "a", "b"),
}
AS_A_WHOLE: Final = {
    "CTC": defined({"type": "CTC", "pad_token": "u", "word_delimiter_token": "|", "cleanup": False}, "u", "a", "|"),
    "suffixes": defined({"type": "BPEDecoder", "suffix": "</w>"}, "u", "a</w>", "b"),
    "Fuse, Replace": defined(steps(FUSE, {**SPACE, "pattern": {"String": "ab"}}), "u", "a", "b"),
    "Strip of two": defined(steps(SPACE, FUSE, {**STRIP, "start": 2}), "u", "▁", "a"),
    "Metaspace, Strip": defined(steps(METASPACE, FUSE, STRIP), "u", "▁", "▁a"),
}
TOKENIZERS: Final[dict[str, Tokenizer]] = IN_PARTS | AS_A_WHOLE


class OneDocument:
    """An engine with one document, which counts the tokens that are read."""

    def __init__(self, token_ids: list[int]) -> None:
        self.token_ids, self.n_read = np.array(token_ids, dtype=np.int64), 0

    def document_length(self, _: int) -> int:
        return len(self.token_ids)

    def read_window(self, _: int, begin: int, end: int) -> Int64Array:
        window = self.token_ids[begin:end]
        self.n_read += len(window)
        return window


def text_of(token_ids: list[int], tokenizer: Tokenizer | None) -> DocumentText:
    engine: Any = OneDocument(token_ids)
    return DocumentText(engine, 0, tokenizer)


def characters(tokenizer: Tokenizer, token_ids: list[int], text: str) -> int:
    """How many characters of the text the tokens make up: the prefix decoded as a whole."""
    prefix = tokenizer.decode(token_ids)
    while not text.startswith(prefix):
        prefix = prefix[:-1]
    return len(prefix)


def check_matches(tokenizer: Tokenizer, token_ids: list[int], numbers: list[int], snippet_tokens: int) -> None:
    text = tokenizer.decode(token_ids)
    places = [(0, number % len(token_ids), 1 + number % 3) for number in numbers]
    found = matches_in(text_of(token_ids, tokenizer), places, snippet_tokens)
    for match, (_, offset, length) in zip(found, places, strict=True):
        before = snippet_tokens // 2
        bounds = [offset - before, offset, offset + length, offset + length + snippet_tokens - before]
        start, *expected, end = (characters(tokenizer, token_ids[: max(0, bound)], text) for bound in bounds)
        assert [match.match_start, match.match_end] == expected
        assert match.snippet == text[start:end]
        assert match.snippet_match_start == match.match_start - start
        assert match.snippet_match_end == match.match_end - start


def check_parts(tokenizer: Tokenizer, token_ids: list[int]) -> None:
    """The beginning of any length, and every part, as slices of the whole text."""
    whole = tokenizer.decode(token_ids)
    for n_characters in range(len(whole) + 2):
        assert text_of(token_ids, tokenizer).head(n_characters) == whole[:n_characters]
    assert text_of(token_ids, tokenizer).head() == whole
    text = text_of(token_ids, tokenizer)
    for begin in range(len(token_ids) + 1):
        for end in range(begin, len(token_ids) + 2):
            part = text.part((begin, end))
            assert part.begin <= begin <= min(end, text.n_tokens) <= part.end
            start = text.n_characters(part.begin)
            assert whole[start:].startswith(part.text)
            assert text.n_characters(part.end) == start + len(part.text)
            for offset in (begin, end):
                assert start + part.characters[offset] == characters(tokenizer, token_ids[:offset], whole)


@pytest.fixture(params=[1, 3, 1 << 14], ids="pieces of {}".format)
def _pieces(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snippets, "_PIECE", request.param)
    monkeypatch.setattr(snippets, "_FIRST_STEP", min(request.param, 64))


@pytest.mark.usefixtures("_pieces")
@pytest.mark.parametrize("name", TOKENIZERS)
def test_parts_and_matches_are_slices_of_the_whole_text(name: str) -> None:
    tokenizer = TOKENIZERS[name]

    @settings(max_examples=30, deadline=None)
    @given(
        st.lists(st.integers(0, tokenizer.vocab_size - 1), min_size=1, max_size=10)
        if tokenizer.vocab_size < 100
        else st.lists(st.sampled_from(PIECES), min_size=1, max_size=8).map(b"".join).map(list),
        st.lists(st.integers(0, 60), max_size=5),
        st.integers(0, 6),
    )
    def check(token_ids: list[int], numbers: list[int], snippet_tokens: int) -> None:
        check_parts(tokenizer, token_ids)
        check_matches(tokenizer, token_ids, numbers, snippet_tokens)

    check()


@pytest.mark.parametrize("name", TOKENIZERS)
def test_what_can_be_cut_is_known(name: str) -> None:
    assert (TOKENIZERS[name].segments() is None) == (name in AS_A_WHOLE)


@pytest.mark.parametrize("name", IN_PARTS)
def test_only_what_is_needed_is_read(name: str) -> None:
    tokenizer = IN_PARTS[name]
    engine: Any = OneDocument([1, 2, 0, 1] * 100_000)
    text = DocumentText(engine, 0, tokenizer)
    assert len(text.head(1_000)) == 1_000
    text.part((300_000, 300_020))
    assert engine.n_read < 40_000


@pytest.mark.parametrize("snippet_tokens", [0, 1, 5])
def test_without_a_tokenizer_there_is_no_text(snippet_tokens: int) -> None:
    (match,) = matches_in(text_of([1, 2, 3], None), [(0, 1, 2)], snippet_tokens)
    assert (match.match_start, match.match_end, match.snippet) == (0, 0, "")
    assert text_of([1, 2, 3], None).head(5) == ""
