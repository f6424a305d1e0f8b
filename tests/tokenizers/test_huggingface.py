"""Hugging Face tokenizers: the ids of the package, without additions to a text."""

from __future__ import annotations

import json
from functools import cache

import pytest
from hypothesis import given, strategies as st
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from infgram.errors import TokenizerError
from infgram.tokenizers import HuggingFaceTokenizer, train_bpe

SAMPLE = ["the cat sat on the mat, the cats sat there " * 3, "naïve café naïve café"]
TEXT = "the <|endoftext|> cat[SEP]  sat\tthe café <pad>"


def byte_level() -> Tokenizer:
    """Return a small byte-level BPE of the package, with two special tokens and one that is not special."""
    trained = train_bpe(SAMPLE, 350)
    assert isinstance(trained, HuggingFaceTokenizer)
    tokenizer = Tokenizer.from_str(trained._definition)
    tokenizer.add_special_tokens(["<|endoftext|>", "<pad>"])
    tokenizer.add_tokens([AddedToken("[SEP]", special=False)])
    return tokenizer


def id_of(token: str) -> int:
    token_id = byte_level().token_to_id(token)
    assert token_id is not None
    return token_id


def sentencepiece_like() -> Tokenizer:
    """Return a tokenizer with ▁ for spaces, a leading space, and bytes for unknown characters."""
    pieces = ["<unk>", *(f"<0x{byte:02X}>" for byte in range(256)), "▁", "▁the", "the", "▁cat", "s", "t"]
    model = models.BPE(
        vocab={piece: place for place, piece in enumerate(pieces)}, merges=[], unk_token="<unk>", byte_fallback=True
    )
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    return tokenizer


def word_pieces() -> Tokenizer:
    vocab = {"[UNK]": 0, "the": 1, "cat": 2, "##s": 3, ".": 4}
    tokenizer = Tokenizer(models.WordPiece(vocab, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    return tokenizer


def test_ids_are_those_of_the_package() -> None:
    ours, theirs = HuggingFaceTokenizer.wrap(byte_level()), byte_level()
    for text in [*SAMPLE, "", " ", "a\r\nb", "\x00", "[SEP]", "x[SEP] y", "日本語 \U0001f600"]:
        assert ours.encode(text).tolist() == theirs.encode(text, add_special_tokens=False).ids


def test_text_that_looks_like_a_special_token_is_plain_text() -> None:
    tokenizer = HuggingFaceTokenizer.wrap(byte_level())
    token_ids = tokenizer.encode(TEXT).tolist()
    special = {id_of("<|endoftext|>"), id_of("<pad>")}
    assert special.isdisjoint(token_ids)
    assert id_of("[SEP]") in token_ids  # an added token that is not special stays one token
    assert tokenizer.decode(token_ids) == TEXT
    assert special.isdisjoint(tokenizer.encode_batch([TEXT])[0].tolist())


def test_special_tokens_are_decoded_and_shown() -> None:
    tokenizer = HuggingFaceTokenizer.wrap(byte_level())
    end = id_of("<|endoftext|>")
    assert tokenizer.decode([end, *tokenizer.encode("the")]) == "<|endoftext|>the"
    assert tokenizer.tokens([end]) == ["<|endoftext|>"]


def test_no_special_token_truncation_or_padding_is_added() -> None:
    altered = byte_level()
    altered.enable_truncation(max_length=2)
    altered.enable_padding(length=50, pad_token="<pad>", pad_id=350)
    end = id_of("<|endoftext|>")
    altered.post_processor = processors.TemplateProcessing(
        single="<|endoftext|> $A", special_tokens=[("<|endoftext|>", end)]
    )
    tokenizer, plain = HuggingFaceTokenizer.wrap(altered), HuggingFaceTokenizer.wrap(byte_level())
    assert tokenizer.encode(SAMPLE[0]).tolist() == plain.encode(SAMPLE[0]).tolist()
    token_ids, lengths = tokenizer.encode_batch([SAMPLE[0], "a"])
    assert lengths.tolist() == [len(plain.encode(SAMPLE[0])), 1]
    assert end not in token_ids
    assert altered.truncation is not None  # the one given was not changed


def test_dropout_is_off() -> None:
    definition = json.loads(byte_level().to_str())
    definition["model"]["dropout"] = 0.9
    tokenizer = HuggingFaceTokenizer(json.dumps(definition))
    assert tokenizer.fingerprint == HuggingFaceTokenizer.wrap(byte_level()).fingerprint
    assert len({tuple(tokenizer.encode(SAMPLE[0]).tolist()) for _ in range(20)}) == 1


def test_vocab_size_follows_the_largest_id_and_holes_decode_to_nothing() -> None:
    tokenizer = HuggingFaceTokenizer.wrap(Tokenizer(models.WordLevel({"a": 0, "b": 7}, unk_token="a")))
    assert tokenizer.vocab_size == 8
    assert tokenizer.decode([3]) == ""
    assert tokenizer.tokens([7, 3]) == [" b", ""]


def test_tokens_of_sentencepiece_models_show_their_space_and_bytes() -> None:
    tokenizer = HuggingFaceTokenizer.wrap(sentencepiece_like())
    token_ids = [1 + 0xE2, 1 + 0x41, 257, 258, 259, 260, 261]
    assert tokenizer.tokens(token_ids) == ["\\xe2", "A", " ", " the", "the", " cat", "s"]
    assert tokenizer.decode([258, 260, 261]) == "the cats"


def test_tokens_of_word_pieces_show_what_they_add() -> None:
    assert HuggingFaceTokenizer.wrap(word_pieces()).tokens([1, 2, 3, 4]) == [" the", " cat", "s", "."]


def test_byte_level_tokens_with_whole_characters_are_shown_as_text() -> None:
    tokenizer = train_bpe(["é é é é", "\ufffd \ufffd \ufffd"], 300)
    assert tokenizer.tokens(tokenizer.encode(" é")) == [" é"]
    assert tokenizer.tokens(tokenizer.encode(" \ufffd")) == [" \ufffd"]
    assert tokenizer.tokens(tokenizer.encode("日")) == ["\\xe6", "\\x97", "\\xa5"]


PANIC = {
    "model": {
        "type": "BPE",
        "continuing_subword_prefix": "##",
        "vocab": {"a": 0, "b": 1, "ab": 2},
        "merges": [["a", "b"]],
    }
}


@pytest.mark.parametrize(
    "definition",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"model": null}',
        '{"model": {"type": "none of ours"}}',
        '{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": [["a", "zz"]]}}',
        '{"version": "1.0", "model": {"type": "WordLevel", "vocab": {}, "unk_token": "?"}}',
        "[" * 100_000,
        json.dumps(PANIC),
    ],
    ids=lambda definition: definition[:40],
)
def test_invalid_definitions(definition: str) -> None:
    with pytest.raises(TokenizerError, match=r"invalid tokenizer\.json|vocabulary"):
        HuggingFaceTokenizer(definition)


def test_offsets_include_spaces_that_a_post_processor_would_trim() -> None:
    tokenizer = byte_level()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=True)
    text = "the cat  sat\n\n on the mat "
    token_ids, offsets = HuggingFaceTokenizer.wrap(tokenizer).encode_with_offsets(text)
    assert token_ids.tolist() == tokenizer.encode(text, add_special_tokens=False).ids
    assert "".join(text[start:end] for start, end in offsets.tolist()) == text


def test_offsets_with_a_normalizer() -> None:
    token_ids, offsets = HuggingFaceTokenizer.wrap(sentencepiece_like()).encode_with_offsets("the é cat")
    pieces = ["the é cat"[start:end] for start, end in offsets.tolist()]
    assert pieces == ["t", "t", "h", "e", " ", "é", "é", " ", "c", "a", "t"]  # a space in front; é is two bytes
    assert len(pieces) == len(token_ids)


@given(st.lists(st.integers(0, 10**6), max_size=12))
def test_any_tokens_decode_as_with_the_package(drawn: list[int]) -> None:
    """This includes invalid UTF-8, and added tokens with characters that represent no bytes."""
    tokenizer, wrapped = both()
    assert wrapped.is_lossless
    token_ids = [number % wrapped.vocab_size for number in drawn]
    assert wrapped.decode(token_ids) == tokenizer.decode(token_ids, skip_special_tokens=False)


@cache
def both() -> tuple[Tokenizer, HuggingFaceTokenizer]:
    """Return a tokenizer of the package, and ours with its definition."""
    tokenizer = byte_level()
    return tokenizer, HuggingFaceTokenizer.wrap(tokenizer)
