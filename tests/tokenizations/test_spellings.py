"""Compare counts of a string, in any case and any tokenization, with a scan of the texts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers as norms, pre_tokenizers

import infgram
from infgram.tokenizers import HuggingFaceTokenizer, train_bpe
from tests.building import text_index, token_index, union_index
from tests.reference import fold, text_places
from tests.strategies import Layout, layouts

SENTENCES = [
    "The cat sat on the mat; the CAT sat.",
    "THEN the other cats: Thecat, bathe, ether.",
    "aaaa aAaA a",
    "",
    "Σίσυφος ΣΊΣΥΦΟΣ, Straße STRAẞE strasse, K kelvin \u212a",
    "日本語 日本 \U0001f600\U0001f600 é e\u0301 É",
    " the\n\nthe  the\r\n\tthe ",
]
QUERIES = [
    *["a", "the", " the", "the ", "he", "t", " ", "  ", "\n", "aa", "aaa", "cat", "Cat", "ecat", "at s", ", ", "xyz"],
    *["the cat sat", "CAT SAT.", "σ", "ς", "σίσυφος", "straße", "ss", "k", "K", "日", "本語", "😀", "é", "\u0301", "É"],
]

pieces = st.lists(
    st.sampled_from(["a", "A", "ab", "b", " ", "the", " The", "é", "É", "k\u212a", "日", "😀"]), max_size=8
)
mixed = pieces.map("".join)


def check(index: infgram.Index, texts: Sequence[str], queries: Sequence[str]) -> None:
    for query in queries:
        for ignore_case in (False, True):
            expected = len(text_places(texts, query, ignore_case=ignore_case))
            assert index.count(query, ignore_case=ignore_case, any_tokenization=True) == expected, query
        assert index.count(query, ignore_case=True) == expected
        check_spellings(index, query)


def check_spellings(index: infgram.Index, query: str) -> None:
    """Check that each sequence has its stated count, and that the counts equal those of the string."""
    sequences = []
    for found in index.spellings(query, ignore_case=True):
        assert len(found.tokens) == len(found.counts) == len(found.begins) == len(found.is_whole) > 0
        for tokens, count in zip(found.tokens.tolist(), found.counts.tolist(), strict=True):
            sequences.append(tuple(tokens))
            assert index.count(tokens) == count > 0
    for sequence in set(sequences):
        assert fold_all(query) in fold_all(index.tokenizer.decode(sequence))


def fold_all(text: str) -> str:
    return "".join(map(fold, text))


def bpe_index(folder: Path, texts: Sequence[str], tokenizer: infgram.tokenizers.Tokenizer) -> infgram.Index:
    (folder / "c.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    tokenizer.save(folder)
    size = max(1, sum(map(len, texts)) // 4)
    return infgram.build(
        folder / "c.jsonl", tokenizer=str(folder / "tokenizer.json"), overwrite=True, shard_tokens=size
    )


@pytest.mark.parametrize("shards", [1, 3])
def test_bytes(shards: int) -> None:
    with text_index(SENTENCES, layout=Layout(8, shards, 1)) as index:
        check(index, SENTENCES, QUERIES)


@pytest.mark.parametrize("vocab_size", [257, 300, 1000])
def test_byte_pairs(vocab_size: int, tmp_path: Path) -> None:
    with bpe_index(tmp_path, SENTENCES, train_bpe(SENTENCES * 3, vocab_size)) as index:
        check(index, SENTENCES, QUERIES)


@given(texts=st.lists(mixed, min_size=1, max_size=5), queries=st.lists(mixed.filter(len), min_size=1, max_size=5))
def test_any_texts_in_bytes(texts: list[str], queries: list[str]) -> None:
    with text_index(texts) as index:
        check(index, texts, queries)


BPE = train_bpe(["the The theab abab aA é日日 éÉ k\u212a The the"] * 3, 300)


@settings(max_examples=50)
@given(texts=st.lists(mixed, min_size=1, max_size=5), queries=st.lists(mixed.filter(len), min_size=1, max_size=5))
def test_any_texts_in_byte_pairs(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], queries: list[str]
) -> None:
    with bpe_index(tmp_path_factory.getbasetemp(), texts, BPE) as index:
        check(index, texts, queries)


@given(
    parts=st.lists(st.lists(mixed, min_size=1, max_size=3), min_size=2, max_size=3),
    query=mixed.filter(len),
    layout=layouts,
)
def test_a_union(parts: list[list[str]], query: str, layout: Layout) -> None:
    with union_index(parts, layout=layout) as index:
        check(index, [text for part in parts for text in part], [query])


def test_many_next_tokens(tmp_path: Path) -> None:
    """More tokens continue the text than are counted one by one."""
    words = [f"x{a}{b}" for a in "abcdefghijklmnop" for b in "qrstuvwxyz"]
    texts = [" ".join(words), "".join(words), " x x"]
    with bpe_index(tmp_path, texts, train_bpe(texts * 5, 700)) as index:
        assert max(len(found.tokens) for found in index.spellings(" x")) > 64
        check(index, texts, ["x", " x", "q x", "xa", "qx", "rXA", "z x"])


def test_a_tokenizer_that_changes_texts(tmp_path: Path) -> None:
    """The decoded text of the documents is searched, here in lower case with a leading space."""
    train_bpe(SENTENCES, 300).save(tmp_path)
    tokenizer = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.normalizer = norms.Lowercase()
    tokenizer.add_tokens([AddedToken("sat on", lstrip=True), AddedToken("日本")])
    with bpe_index(tmp_path, SENTENCES, HuggingFaceTokenizer.wrap(tokenizer)) as index:
        texts = [index.document(number).text for number in range(index.n_documents)]
        assert texts != SENTENCES
        check(index, texts, [*QUERIES, " the cat", "sat on the"])


def test_tokenizers_whose_texts_are_not_made_of_bytes(tmp_path: Path) -> None:
    wordpiece = Tokenizer(models.WordPiece({"[UNK]": 0, "a": 1, "##b": 2}, unk_token="[UNK]"))
    wordpiece.decoder = decoders.WordPiece()
    unigram = Tokenizer(models.Unigram([("<unk>", 0.0), ("▁a", -1.0), ("b", -2.0)], unk_id=0))
    unigram.pre_tokenizer, unigram.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
    for tokenizer in (wordpiece, unigram):
        with bpe_index(tmp_path, ["ab a"], HuggingFaceTokenizer.wrap(tokenizer)) as index:
            assert index.count("a") >= 0
            with pytest.raises(infgram.TokenizerError, match="byte-level"):
                index.count("a", any_tokenization=True)


def test_invalid_queries() -> None:
    with text_index(["aAbB"]) as index:
        for text in ("", "a" * 10_001, "\ud800"):
            with pytest.raises(infgram.QueryError):
                index.count(text, any_tokenization=True)
        with pytest.raises(infgram.QueryError, match="token ids have no case"):
            index.count([1], ignore_case=True)
        with pytest.raises(infgram.QueryError, match=r"the limit is 1; .*max_branches=…"):
            list(index.spellings("ab", ignore_case=True, max_branches=1))
        assert sum(found.counts.sum() for found in index.spellings("ab", ignore_case=True, max_branches=2)) == 1
        assert index.count("a" * 10_000, any_tokenization=True) == 0
    with token_index([[1]], vocab_size=5) as index, pytest.raises(infgram.TokenizerError, match="holds no tokenizer"):
        index.count("a", any_tokenization=True)
