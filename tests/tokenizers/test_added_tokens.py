"""The text of an added token is its content, even if byte-level BPE uses its characters for bytes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers

import infgram
from infgram.tokenizers import HuggingFaceTokenizer
from infgram.tokenizers.byte_level import byte_of_letter
from infgram.tokenizers.fast_texts import FastTexts

NEVER_IN_UTF8 = "ÀÁõö÷øùúûüýþÿ"
"""The letters of the thirteen bytes that UTF-8 does not have; published vocabularies have them as added tokens."""

TEXTS = ["für dich, für mich", "schön", "plain", "Tür zu", "ÿ÷þ 飞 é", "ö", ""]


def byte_level(
    added: Sequence[AddedToken] = (), without: str = "", *, merges: Sequence[tuple[str, str]] = ()
) -> Tokenizer:
    """Return a byte-level BPE with some merges and added tokens, without the entries of some letters."""
    letters = [letter for letter in sorted(byte_of_letter()) if letter not in without]
    entries = [*letters, *("".join(merge) for merge in merges)]
    tokenizer = Tokenizer(models.BPE({entry: place for place, entry in enumerate(entries)}, [*merges]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_tokens([*added])
    return tokenizer


def published() -> Tokenizer:
    """Return a tokenizer like the published ones with these thirteen added tokens."""
    tokenizer = byte_level([AddedToken(letter) for letter in NEVER_IN_UTF8], NEVER_IN_UTF8)
    tokenizer.normalizer = normalizers.Sequence([])
    return tokenizer


def built(folder: Path, tokenizer: Tokenizer, texts: Sequence[str] = TEXTS) -> infgram.Index:
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "c.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    return infgram.build(folder / "c.jsonl", tokenizer=folder / "tokenizer.json", overwrite=True)


def test_texts_with_added_letters_are_counted_found_and_decoded(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with built(tmp_path, published()) as index:
        assert index.tokenizer.is_lossless
        assert not caplog.records, "no document differs"
        assert [index.document(number).text for number in range(len(TEXTS))] == TEXTS
        for query, count in {"für": 2, "ü": 3, "ö": 2, "chön": 1, "÷": 1, "飞 é": 1, "ä": 0}.items():
            assert index.count(query, any_tokenization=True) == count, query
            assert index.count(query) == count, query
        assert index.count("FÜR", ignore_case=True) == 2
        (hit,) = index.search_text("Tür").documents
        assert (hit.text, hit.snippet, hit.match_start, hit.match_end) == ("Tür zu", "Tür zu", 0, 3)
        (hit,) = index.search("schön").documents
        assert hit.snippet[hit.snippet_match_start : hit.snippet_match_end] == "schön"
        assert [span.text for span in infgram.trace(index, "Tür", max_spans=1).spans] == ["Tür"]
        rows = index.next_token_distribution("T")
        assert index.tokenizer.tokens(rows.token_ids) == ["ü"]


def test_a_corpus_without_duplicates_is_written_unchanged(tmp_path: Path) -> None:
    texts = ["für", "schön", "Tür"]
    with built(tmp_path, published(), texts) as index:
        infgram.write_dedup(index, infgram.dedup(index, min_tokens=50), tmp_path / "out.jsonl")
    written = (tmp_path / "out.jsonl").read_text().splitlines()
    assert [json.loads(line)["text"] for line in written] == texts


SPECIAL, NORMAL = True, False

CASES = {
    "its letter is no entry": ("ü", NORMAL, "ü", b"\xc3\xbc", True),
    "its letter is an entry that no text has": ("ü", NORMAL, "", b"\xc3\xbc", True),
    "its letter is an entry that other texts have": ("é", NORMAL, "", b"\xc3\xa9", False),
    "it is not matched, and its letter is a byte": ("é", SPECIAL, "", b"\xe9", True),
    "it is not matched and no byte": ("<|début|>", SPECIAL, "", "<|début|>".encode(), True),
    "its letters are those of a space and a word": ("Ġthe", NORMAL, "", "Ġthe".encode(), True),
    "letters outside the alphabet": ("日本", NORMAL, "", "日本".encode(), True),
    "a space and a letter of the alphabet": ("é è", NORMAL, "", "é è".encode(), True),
    "as it is and in bytes the same": ("the", NORMAL, "", b"the", True),
}


@pytest.mark.parametrize(("content", "special", "without", "data", "is_lossless"), CASES.values(), ids=CASES)
def test_the_text_of_an_added_token(content: str, special: bool, without: str, data: bytes, is_lossless: bool) -> None:
    tokenizer = byte_level([AddedToken(content, special=special)], without)
    wrapped = HuggingFaceTokenizer.wrap(tokenizer)
    vocabulary = wrapped.token_bytes()
    token_id = tokenizer.token_to_id(content)
    assert vocabulary is not None
    assert token_id is not None
    assert vocabulary.join(wrapped.encode("")) == b""
    start, end = vocabulary.starts[token_id : token_id + 2].tolist()
    assert vocabulary.data[start:end].tobytes() == data
    assert wrapped.tokens([token_id]) == [data.decode(errors="backslashreplace")]
    assert wrapped.decode([token_id]) == data.decode(errors="replace")
    assert wrapped.is_lossless == is_lossless


def test_an_entry_and_an_added_token_of_the_same_letters() -> None:
    """The merged entry "Ã©" is "é" in bytes; the added token is these two letters. They share the id."""
    tokenizer = byte_level([AddedToken("Ã©")], merges=[("Ã", "©")])
    wrapped = HuggingFaceTokenizer.wrap(tokenizer)
    assert wrapped.encode("é").tolist() == wrapped.encode("Ã©").tolist() == [tokenizer.token_to_id("Ã©")]
    assert not wrapped.is_lossless
    assert wrapped.decode(wrapped.encode("Ã©")) == "Ã©"
    assert not wrapped.keeps("é")


def test_an_added_token_with_the_id_of_another_entry() -> None:
    """The package numbers added tokens from the size of the vocabulary on, though its ids may have holes."""
    definition = json.loads(byte_level().to_str())
    definition["model"]["vocab"]["ÿ"] = 256
    vocabulary = definition["model"]["vocab"]
    vocabulary["Z"] = len(vocabulary)
    tokenizer = Tokenizer.from_str(json.dumps(definition))
    tokenizer.add_tokens(["new"])
    wrapped = HuggingFaceTokenizer.wrap(tokenizer)
    assert tokenizer.token_to_id("new") == len(vocabulary) == tokenizer.token_to_id("Z")
    assert not wrapped.is_lossless


def test_two_entries_with_one_id_are_not_lossless() -> None:
    definition = json.loads(byte_level().to_str())
    definition["model"]["vocab"]["a"] = definition["model"]["vocab"]["b"]
    assert not HuggingFaceTokenizer(json.dumps(definition)).is_lossless


def test_ids_without_a_token_have_no_bytes() -> None:
    definition = json.loads(byte_level(without="ÿ").to_str())
    definition["model"]["vocab"]["ÿ"] = 300
    tokenizer = HuggingFaceTokenizer(json.dumps(definition))
    vocabulary = tokenizer.token_bytes()
    assert vocabulary is not None
    assert tokenizer.vocab_size == 301 == len(vocabulary.lengths)
    assert vocabulary.lengths[255:300].tolist() == [0] * 45
    assert (tokenizer.decode([299]), tokenizer.tokens([299, 300])) == ("", ["", "\\xff"])


def test_the_bytes_of_nested_decoders() -> None:
    tokenizer = byte_level([AddedToken("ü")], "ü")
    tokenizer.decoder = decoders.Sequence([decoders.ByteLevel(), decoders.Fuse()])
    wrapped = HuggingFaceTokenizer.wrap(tokenizer)
    assert wrapped.is_lossless
    assert wrapped.decode(wrapped.encode("für")) == "für"
    tokenizer.decoder = decoders.Sequence([decoders.ByteLevel(), decoders.Strip(" ", 1, 0)])
    assert HuggingFaceTokenizer.wrap(tokenizer).token_bytes() is None


def test_spaces_absorbed_by_an_added_token_are_reported(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    tokenizer = byte_level([AddedToken("[S]", lstrip=True)])
    with built(tmp_path, tokenizer, ["a", "a  [S]"]) as index:
        assert not index.tokenizer.is_lossless
        assert "the tokenizer is not lossless" in caplog.text
        assert "c.jsonl, line 2" in caplog.text
        assert index.document(1).text == "a[S]"
        assert index.count("a[S]", any_tokenization=True) == 1
    special = byte_level([AddedToken("[S]", lstrip=True, rstrip=True, special=True)])  # plain text to us
    assert HuggingFaceTokenizer.wrap(special).is_lossless


def test_the_fast_encoder_is_not_given_the_normal_form_of_an_added_token() -> None:
    tokenizer = byte_level([AddedToken("e\u0301x", normalized=True)])
    tokenizer.normalizer = normalizers.NFC()
    wrapped = HuggingFaceTokenizer.wrap(tokenizer)
    assert wrapped.encode("éx").tolist() == [256]
    assert not wrapped.keeps("éx")
    assert not FastTexts(json.loads(tokenizer.to_str())).takes("éx")


contents = st.text("aé ö[ĠÃ©日", min_size=1, max_size=3)
added_tokens = st.builds(
    AddedToken,
    contents,
    single_word=st.booleans(),
    lstrip=st.booleans(),
    rstrip=st.booleans(),
    normalized=st.booleans(),
    special=st.booleans(),
)
texts = st.text("aé ö[ĠÃ©日飞\x00\u0301", max_size=8)


@settings(max_examples=200, deadline=None)
@given(
    added=st.lists(added_tokens, max_size=3, unique_by=lambda token: str(token.content)),
    without=st.sampled_from(["", NEVER_IN_UTF8]),
    merges=st.sampled_from([(), (("Ã", "©"),), (("Ġ", "a"),)]),
    normalizes=st.booleans(),
    text=texts,
)
def test_bytes_decoding_and_losslessness_agree(
    added: list[AddedToken], without: str, merges: Sequence[tuple[str, str]], normalizes: bool, text: str
) -> None:
    tokenizer = byte_level(added, without, merges=merges)
    if normalizes:
        tokenizer.normalizer = normalizers.NFC()
    wrapped = HuggingFaceTokenizer.wrap(tokenizer)
    token_ids = wrapped.encode(text)
    vocabulary = wrapped.token_bytes()
    assert vocabulary is not None
    assert wrapped.decode(token_ids) == vocabulary.join(token_ids).decode(errors="replace")
    if wrapped.keeps(text):
        assert wrapped.decode(token_ids) == text
    for token_id, token in tokenizer.get_added_tokens_decoder().items():
        if not token.special:
            assert wrapped.decode([token_id]) == token.content
