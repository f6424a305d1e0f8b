"""Properties of every tokenizer: lossless decoding, batches, saving and loading, and errors."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from infgram.errors import QueryError
from infgram.tokenizers import BytesTokenizer, Tokenizer, load_saved, train_bpe

SAMPLE = [
    "the cat sat on the mat, the cats sat there\r\n" * 3,
    "naïve café — 日本語のテキスト 日本語 \U0001f600 \U0001f600",
]

MAKERS: dict[str, Callable[[], Tokenizer]] = {
    "bytes": BytesTokenizer,
    "bpe of nothing": lambda: train_bpe([], 300),
    "bpe": lambda: train_bpe(SAMPLE, 400),
}

awkward_text = st.lists(
    st.text()
    | st.sampled_from(
        [
            "<|endoftext|>",
            "\r\n",
            "\x00",
            "\ufeff",
            "  ",
            " \n ",
            "e\u0301",
            "\u00a0",
            "\u2028",
            "日本",
            "the cat",
            "\ufffd",
        ]
    )
).map("".join)


@pytest.fixture(scope="module", params=MAKERS)
def tokenizer(request: pytest.FixtureRequest) -> Tokenizer:
    return MAKERS[request.param]()


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=awkward_text)
def test_decoding_restores_the_text(tokenizer: Tokenizer, text: str) -> None:
    token_ids = tokenizer.encode(text)
    assert token_ids.dtype == np.int64
    assert tokenizer.decode(token_ids) == text
    assert tokenizer.decode(token_ids.tolist()) == text
    assert ((token_ids >= 0) & (token_ids < tokenizer.vocab_size)).all()


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=awkward_text)
def test_offsets_are_the_characters_of_a_token(tokenizer: Tokenizer, text: str) -> None:
    """Tokens that share no character divide the text into pieces, and each piece is its decoded tokens."""
    token_ids, offsets = tokenizer.encode_with_offsets(text)
    assert token_ids.tolist() == tokenizer.encode(text).tolist()
    assert offsets.dtype == np.int64
    assert offsets.shape == (len(token_ids), 2)
    starts, ends = offsets[:, 0].tolist(), offsets[:, 1].tolist()
    cuts = [0, *(place for place in range(1, len(starts)) if starts[place] >= ends[place - 1]), len(starts)]
    pieces = [(first, last) for first, last in itertools.pairwise(cuts) if first < last]
    assert "".join(text[starts[first] : ends[last - 1]] for first, last in pieces) == text
    for first, last in pieces:
        assert tokenizer.decode(token_ids[first:last]) == text[starts[first] : ends[last - 1]]
        inside = [*starts[first + 1 : last], *(end - 1 for end in ends[first : last - 1])]
        assert all(starts[first] <= place < ends[last - 1] for place in inside)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(awkward_text))
def test_a_batch_equals_its_single_texts(tokenizer: Tokenizer, texts: list[str]) -> None:
    token_ids, lengths = tokenizer.encode_batch(texts)
    singles = [tokenizer.encode(text) for text in texts]
    assert token_ids.dtype == np.uint32
    assert lengths.dtype == np.int64
    assert lengths.tolist() == [len(single) for single in singles]
    assert token_ids.tolist() == [token_id for single in singles for token_id in single.tolist()]


def test_every_character_of_unicode_is_restored(tokenizer: Tokenizer) -> None:
    for start in range(0, 0x110000, 0x800):
        text = "".join(chr(code) for code in range(start, start + 0x800) if not 0xD800 <= code < 0xE000)
        assert tokenizer.decode(tokenizer.encode(text)) == text


def test_save_and_load(tokenizer: Tokenizer, tmp_path: Path) -> None:
    tokenizer.save(tmp_path)
    loaded = load_saved(tokenizer.kind, tmp_path)
    assert (loaded.kind, loaded.vocab_size, loaded.fingerprint) == (
        tokenizer.kind,
        tokenizer.vocab_size,
        tokenizer.fingerprint,
    )
    assert loaded.encode(SAMPLE[1]).tolist() == tokenizer.encode(SAMPLE[1]).tolist()


def test_fingerprints_are_sha256(tokenizer: Tokenizer) -> None:
    assert len(bytes.fromhex(tokenizer.fingerprint)) == 32


def test_tokens_show_every_id(tokenizer: Tokenizer) -> None:
    shown = tokenizer.tokens(range(tokenizer.vocab_size))
    assert len(shown) == tokenizer.vocab_size
    assert all("\ufffd" not in token for token in shown)
    assert "".join(tokenizer.tokens(tokenizer.encode("the cat sat"))) == "the cat sat"
    assert tokenizer.tokens([]) == []


def test_the_empty_text_has_no_tokens(tokenizer: Tokenizer) -> None:
    assert tokenizer.encode("").tolist() == []
    assert tokenizer.decode([]) == ""
    assert tokenizer.decode(np.empty(0, dtype=np.int64)) == ""
    token_ids, lengths = tokenizer.encode_batch([])
    assert (token_ids.tolist(), lengths.tolist()) == ([], [])
    assert (token_ids.dtype, lengths.dtype) == (np.dtype(np.uint32), np.dtype(np.int64))
    assert tokenizer.encode_batch(["", ""])[1].tolist() == [0, 0]


@pytest.mark.parametrize("text", ["\ud800", "fine until \udfff", "\ude00\ud83d"])
def test_lone_surrogates_are_refused(tokenizer: Tokenizer, text: str) -> None:
    with pytest.raises(QueryError, match="the text contains the lone surrogate U"):
        tokenizer.encode(text)
    with pytest.raises(QueryError, match="text 1 of the batch contains the lone surrogate U"):
        tokenizer.encode_batch(["fine", text])


@pytest.mark.parametrize("text", [None, b"bytes", 3, ["a"]])
def test_other_values_than_text_are_rejected(tokenizer: Tokenizer, text: object) -> None:
    with pytest.raises(QueryError, match=f"of type {type(text).__name__}; expected a string"):
        tokenizer.encode(text)  # type: ignore[arg-type]
    with pytest.raises(QueryError, match="text 0 of the batch is of type"):
        tokenizer.encode_batch([text])  # type: ignore[list-item]


@pytest.mark.parametrize("token_id", [-1, -(2**40), 1000, 2**32, 2**63, 2**70])
def test_ids_outside_the_vocabulary_are_refused(tokenizer: Tokenizer, token_id: int) -> None:
    expected = f"token id {token_id} is not in the vocabulary; expected 0 to {tokenizer.vocab_size - 1}"
    with pytest.raises(QueryError, match=expected):
        tokenizer.decode([0, token_id])
    with pytest.raises(QueryError, match=expected):
        tokenizer.tokens([token_id])


def test_the_first_id_outside_the_vocabulary_is_refused(tokenizer: Tokenizer) -> None:
    tokenizer.decode([tokenizer.vocab_size - 1])
    with pytest.raises(QueryError, match="is not in the vocabulary"):
        tokenizer.decode(np.array([tokenizer.vocab_size], dtype=np.uint16))


@pytest.mark.parametrize(
    "token_ids", [[1.0], ["a"], "abc", [[1]], [[1], [2, 3]], [True], 3, None, [2**70, None], np.array([1.5])], ids=repr
)
def test_other_values_than_sequences_of_integers_are_rejected(tokenizer: Tokenizer, token_ids: object) -> None:
    with pytest.raises(QueryError, match="token ids must be a flat sequence of integers"):
        tokenizer.decode(token_ids)  # type: ignore[arg-type]


def test_a_character_cut_in_two_decodes_to_the_replacement_character() -> None:
    for tokenizer in (BytesTokenizer(), train_bpe([], 256)):
        euro = tokenizer.encode("€")
        assert tokenizer.decode(euro[:2]) == "\ufffd"
        assert tokenizer.tokens(euro) == ["\\xe2", "\\x82", "\\xac"]
