"""Fingerprints are equal if and only if tokenizers encode alike."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

import infgram
from infgram.lm import InfgramLM
from infgram.tokenizers import BytesTokenizer, HuggingFaceTokenizer, resolve, train_bpe
from infgram.tokenizers.fingerprint import encoding_fingerprint

SAMPLE = ["the cat sat on the mat, the cats sat there " * 3, "naïve café naïve café"]


def plain() -> Tokenizer:
    """Return a byte-level BPE with a special token and an added token."""
    trained = train_bpe(SAMPLE, 300)
    assert isinstance(trained, HuggingFaceTokenizer)
    tokenizer = Tokenizer.from_str(trained.definition)
    tokenizer.add_special_tokens(["<|endoftext|>"])
    tokenizer.add_tokens([AddedToken("[SEP]", special=False)])
    return tokenizer


def parsed(tokenizer: Tokenizer) -> dict[str, Any]:
    definition: dict[str, Any] = json.loads(tokenizer.to_str())
    return definition


def fingerprint(tokenizer: Tokenizer) -> str:
    return HuggingFaceTokenizer.wrap(tokenizer).fingerprint


def template(tokenizer: Tokenizer) -> None:
    end = ("<|endoftext|>", tokenizer.token_to_id("<|endoftext|>"))
    tokenizer.post_processor = processors.TemplateProcessing(single=f"{end[0]} $A", special_tokens=[end])


ENCODE_ALIKE: dict[str, Callable[[Tokenizer], object]] = {
    "a post-processor that does nothing": lambda t: setattr(
        t, "post_processor", processors.TemplateProcessing(single="$A", pair="$A $B", special_tokens=[])
    ),
    "a post-processor that adds special tokens": template,
    "special tokens": lambda t: t.add_special_tokens(["[PAD]", AddedToken("<mask>", lstrip=True, special=True)]),
    "truncation": lambda t: t.enable_truncation(max_length=2),
    "padding": lambda t: t.enable_padding(),
    "another decoder": lambda t: setattr(t, "decoder", decoders.Fuse()),
    "no decoder": lambda t: setattr(t, "decoder", None),
    "offsets": lambda t: setattr(t, "pre_tokenizer", pre_tokenizers.ByteLevel(False, trim_offsets=False)),
    "a sequence of one": lambda t: setattr(
        t, "pre_tokenizer", pre_tokenizers.Sequence([pre_tokenizers.Sequence([pre_tokenizers.ByteLevel(False)])])
    ),
    "a sequence of none": lambda t: setattr(t, "normalizer", normalizers.Sequence([])),
}

ENCODE_OTHERWISE: dict[str, Callable[[Tokenizer], object]] = {
    "an added token": lambda t: t.add_tokens(["more"]),
    "a normalizer": lambda t: setattr(t, "normalizer", normalizers.NFC()),
    "a space in front": lambda t: setattr(t, "pre_tokenizer", pre_tokenizers.ByteLevel(True)),
    "no pattern": lambda t: setattr(t, "pre_tokenizer", pre_tokenizers.ByteLevel(False, use_regex=False)),
    "cuts": lambda t: setattr(
        t,
        "pre_tokenizer",
        pre_tokenizers.Sequence([pre_tokenizers.Split(Regex("a"), "isolated"), pre_tokenizers.ByteLevel(False)]),
    ),
}


@pytest.mark.parametrize("change", ENCODE_ALIKE.values(), ids=ENCODE_ALIKE)
def test_parts_that_do_not_affect_ids_are_ignored(change: Callable[[Tokenizer], object]) -> None:
    changed = plain()
    change(changed)
    assert changed.to_str() != plain().to_str()
    assert fingerprint(changed) == fingerprint(plain())
    assert HuggingFaceTokenizer.wrap(changed).encode(SAMPLE[1]).tolist() == (
        HuggingFaceTokenizer.wrap(plain()).encode(SAMPLE[1]).tolist()
    )


@pytest.mark.parametrize("change", ENCODE_OTHERWISE.values(), ids=ENCODE_OTHERWISE)
def test_parts_that_affect_ids_count(change: Callable[[Tokenizer], object]) -> None:
    changed = plain()
    change(changed)
    assert fingerprint(changed) != fingerprint(plain())


def test_a_token_that_becomes_special_counts() -> None:
    definition = parsed(plain())
    (added,) = (token for token in definition["added_tokens"] if token["content"] == "[SEP]")
    added["special"] = True
    assert encoding_fingerprint(definition) != encoding_fingerprint(parsed(plain()))


@pytest.mark.parametrize(
    ("before", "after"), [("merges", None), ("vocab", None), ("ignore_merges", True), ("unk_token", "a")]
)
def test_the_model_counts(before: str, after: object) -> None:
    definition = parsed(plain())
    if before == "merges":
        definition["model"]["merges"].reverse()
    elif before == "vocab":
        vocab = definition["model"]["vocab"]
        vocab["a"], vocab["b"] = vocab["b"], vocab["a"]
    else:
        definition["model"][before] = after
    assert encoding_fingerprint(definition) != encoding_fingerprint(parsed(plain()))


def test_the_formatting_does_not_count() -> None:
    expected = encoding_fingerprint(parsed(plain()))
    definition = parsed(plain())
    definition["model"]["merges"] = [" ".join(merge) for merge in definition["model"]["merges"]]
    definition["model"]["continuing_subword_prefix"] = definition["model"]["end_of_word_suffix"] = ""
    definition["model"]["dropout"] = 0.5
    del definition["model"]["ignore_merges"], definition["model"]["byte_fallback"], definition["version"]
    del definition["pre_tokenizer"]["use_regex"]
    definition["added_tokens"].reverse()
    assert encoding_fingerprint(dict(reversed(definition.items()))) == expected
    definition["pre_tokenizer"]["use_regex"] = False
    assert encoding_fingerprint(definition) != expected


alphabet = "ab[]<> "
contents = st.text(alphabet, min_size=1, max_size=3)


@settings(max_examples=100, deadline=None)
@given(
    added=st.lists(st.builds(AddedToken, contents, normalized=st.booleans()), max_size=2),
    special=st.lists(
        st.builds(AddedToken, contents, normalized=st.booleans(), lstrip=st.booleans(), special=st.just(True)),
        max_size=3,
    ),
    text=st.text(alphabet, max_size=12),
)
def test_equal_fingerprints_encode_alike(added: list[AddedToken], special: list[AddedToken], text: str) -> None:
    """Use any special tokens, also overlapping with those that are matched."""
    names = {token.content for token in added}
    first, second = plain(), plain()
    first.add_tokens(added)
    second.add_tokens(added)
    second.add_special_tokens([token for token in special if token.content not in names])
    one, other = HuggingFaceTokenizer.wrap(first), HuggingFaceTokenizer.wrap(second)
    assert one.fingerprint == other.fingerprint
    assert one.encode(text).tolist() == other.encode(text).tolist()


def test_the_digest_is_of_the_whole_definition(tmp_path: Path) -> None:
    tokenizer = HuggingFaceTokenizer.wrap(plain())
    tokenizer.save(tmp_path)
    assert hashlib.sha256((tmp_path / "tokenizer.json").read_bytes()).hexdigest() == tokenizer.digest
    more = plain()
    more.add_special_tokens(["[PAD]"])
    assert HuggingFaceTokenizer.wrap(more).digest != tokenizer.digest
    assert BytesTokenizer.digest == BytesTokenizer.fingerprint


# Indexes

TEXTS = ["the cat sat on the mat", "the cats sat there"]


def indexed(folder: Path, name: str, tokenizer: Tokenizer | str | Path) -> Path:
    """Return an index of the texts."""
    if isinstance(tokenizer, Tokenizer):
        spec: str | Path = folder / f"{name}.json"
        tokenizer.save(str(spec))
    else:
        spec = tokenizer
    (folder / "c.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in TEXTS))
    infgram.build(folder / "c.jsonl", folder / name, tokenizer=spec).close()
    return folder / name


@pytest.mark.parametrize("order", [1, -1])
def test_a_union_of_indexes_whose_tokenizers_differ_in_special_tokens(tmp_path: Path, order: int) -> None:
    """The vocabularies differ in size, too."""
    more = plain()
    more.add_special_tokens(["[PAD]", "[MASK]"])
    template(more)
    paths = [indexed(tmp_path, "plain", plain()), indexed(tmp_path, "more", more)][::order]
    vocab_size = HuggingFaceTokenizer.wrap(more).vocab_size
    with infgram.open(paths) as union, infgram.open(paths[0]) as one:
        assert union.vocab_size == vocab_size == one.vocab_size + (2 if order == 1 else 0)
        assert union.info()["tokenizer"] == one.info()["tokenizer"]
        assert union.count("the") == 2 * one.count("the") == 4
        assert [union.document(number).text for number in range(4)] == [*TEXTS, *TEXTS]
        last = vocab_size - 1
        assert union.tokenizer.tokens([last]) == ["[MASK]"]
        assert (union.count([last]), union.count([last, 1]), union.count([1, last])) == (0, 0, 0)
        assert union.longest_suffix([last, *union.tokenizer.encode("the").tolist()]).count == 4
        assert union.score([1, last, 1]).suffix_lengths.tolist() == [0, 0, 0]
        assert union.longest_matches([last, last]).lengths.tolist() == [0, 0]
        rows = union.next_token_distribution("")
        assert rows.counts.sum() == union.n_tokens + union.n_documents
        assert InfgramLM(union, "kneser_ney").distribution([1]).sum() == pytest.approx(1)
        union.verify()


def test_a_union_of_different_tokenizers_is_rejected(tmp_path: Path) -> None:
    other = plain()
    other.add_tokens(["more"])
    paths = [indexed(tmp_path, "plain", plain()), indexed(tmp_path, "other", other)]
    with pytest.raises(infgram.TokenizerError, match="built with different tokenizers"):
        infgram.open(paths)
    paths[1] = indexed(tmp_path, "bytes", "bytes")
    with pytest.raises(infgram.TokenizerError, match=r"8 bits and .* 16"):
        infgram.open(paths)
    infgram.build_from_tokens([[1]], tmp_path / "ids", vocab_size=plain().get_vocab_size()).close()
    with pytest.raises(infgram.TokenizerError, match="built with different tokenizers"):
        infgram.open([paths[0], tmp_path / "ids"])


def test_info_and_tokenizer_have_one_fingerprint(tmp_path: Path) -> None:
    with infgram.open(indexed(tmp_path, "x", plain())) as index:
        assert index.info()["tokenizer"]["fingerprint"] == index.tokenizer.fingerprint == fingerprint(plain())
        manifest = json.loads((tmp_path / "x" / "manifest.json").read_text())
        assert manifest["tokenizer"]["fingerprint"] == index.tokenizer.digest


def test_an_altered_decoder_is_damage(tmp_path: Path) -> None:
    """It affects texts but no ids; the whole definition is checked."""
    path = indexed(tmp_path, "x", plain()) / "tokenizer" / "tokenizer.json"
    path.write_text(path.read_text().replace('"decoder":{', '"decoder":{"prefix":"x",'))
    with infgram.open(tmp_path / "x") as index:
        for ask in (lambda: index.tokenizer, index.verify):
            with pytest.raises(infgram.IndexDamagedError, match="is not the tokenizer that the index was built with"):
                ask()


def test_a_tokenizer_saved_by_transformers_is_the_same(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers", reason="needs the extra lm")
    plain().save(str(tmp_path / "tokenizer.json"))
    fast = transformers.PreTrainedTokenizerFast
    fast(tokenizer_object=plain()).save_pretrained(tmp_path / "object")
    fast(tokenizer_object=plain(), pad_token="[PAD]", bos_token="<s>").save_pretrained(tmp_path / "more")
    transformers.AutoTokenizer.from_pretrained(tmp_path / "more").save_pretrained(tmp_path / "again")
    original = resolve(tmp_path / "tokenizer.json")
    path = indexed(tmp_path, "x", tmp_path / "tokenizer.json")
    for name in ("object", "more", "again"):
        saved = resolve(tmp_path / name)
        assert saved.fingerprint == original.fingerprint, name
        assert saved.encode(SAMPLE[1]).tolist() == original.encode(SAMPLE[1]).tolist()
        with infgram.open([path, indexed(tmp_path, f"{name}.infgram", tmp_path / name)]) as union:
            assert union.count("the") == 4


def test_gpt2_files_and_their_conversion_by_transformers(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers", reason="needs the extra lm")
    trained = train_bpe(SAMPLE, 300)
    assert isinstance(trained, HuggingFaceTokenizer)
    model = json.loads(trained.definition)["model"]
    models.BPE(model["vocab"], [tuple(merge) for merge in model["merges"]]).save(str(tmp_path))
    (tmp_path / "tokenizer_config.json").write_text('{"tokenizer_class": "GPT2Tokenizer"}')
    transformers.AutoTokenizer.from_pretrained(tmp_path).save_pretrained(tmp_path / "saved")
    assert resolve(tmp_path / "saved").encode(SAMPLE[1]).tolist() == trained.encode(SAMPLE[1]).tolist()
    assert resolve(tmp_path).fingerprint == trained.fingerprint
