"""Compare the readings of a string, and the next tokens in any tokenization, with a scan of every document."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

import infgram
from infgram.tokenizations import spellings
from infgram.tokenizers import HuggingFaceTokenizer, train_bpe
from tests.building import text_index, token_index, union_index
from tests.reference import text_places
from tests.strategies import Layout, layouts

SENTENCES = [
    "the virtual machine; a virtual machine",
    "virtual machines\nvirtual machine",
    "Virtual Machine (virtual\nmachine)",
    "aaaa aAaA a",
    "",
]
QUERIES = ["virtual machine", " virtual machine", "virtual", "machine", "a", "aa", "al ma", "e", " ", "xyz", "Virtual"]

texts = st.lists(
    st.lists(st.sampled_from(["a", "A", "ab", "b", " ", "the", " The", "é", "É", "日"]), max_size=8).map("".join),
    min_size=1,
    max_size=4,
)
queries = st.sampled_from(["a", "aa", "A", "b", "the", " the", "e", "é", "日", "ab", "a b", " ", "b a"])


class Occurrence(NamedTuple):
    """An occurrence of a string: its tokens, its first byte in the first of them, and the next token."""

    tokens: tuple[int, ...]
    begin: int
    next_token: int | None


def occurrences(index: infgram.Index, query: str, *, ignore_case: bool) -> list[Occurrence]:
    vocabulary = index.tokenizer.token_bytes()
    assert vocabulary is not None
    found = []
    for document_id in range(index.n_documents):
        document = index.document(document_id)
        ends = np.cumsum(vocabulary.lengths[document.token_ids]).tolist()
        for place in text_places([document.text], query, ignore_case=ignore_case):
            begin = len(document.text[: place.offset].encode())
            end = len(document.text[: place.offset + len(query)].encode())
            first = next(n for n, after in enumerate(ends) if begin < after)
            last = next(n for n, after in enumerate(ends) if end <= after)
            tokens = tuple(document.token_ids[first : last + 1].tolist())
            row = int(document.token_ids[last + 1]) if last + 1 < len(ends) else infgram.END_OF_DOCUMENT
            found.append(Occurrence(tokens, begin - ([0, *ends][first]), row if ends[last] == end else None))
    return found


def check(index: infgram.Index, queries: Sequence[str]) -> None:
    for query in queries:
        check_readings(index, query)
        for ignore_case in (False, True):
            check_next(index, query, ignore_case=ignore_case)


def check_readings(index: infgram.Index, query: str) -> None:
    same = Counter((each.tokens, each.begin) for each in occurrences(index, query, ignore_case=False))
    in_any_case = len(occurrences(index, query, ignore_case=True))
    typed = (tuple(index.tokenizer.encode(query).tolist()), 0)
    spaced = (tuple(index.tokenizer.encode(f" {query}").tolist()), 1)
    found = index.readings(query)
    assert found.is_exact
    assert found.other_tokenizations is not None
    assert found.other_case is not None
    assert found.string_count == index.count(query, any_tokenization=True) == same.total()
    assert found.as_typed.count == index.count(query) == same[typed]
    if found.after_space is not None:
        assert (found.after_space.count, found.after_space.token_ids) == (same[spaced], spaced[0])
        assert found.after_space.text == f" {query}"
    else:
        assert same[spaced] == 0 or spaced[0][0] == index.tokenizer.encode(" ")[0]
    n_spaced = found.after_space.count if found.after_space else 0
    assert found.string_count == found.as_typed.count + n_spaced + found.other_tokenizations.count
    assert found.other_case.count == in_any_case - same.total()
    others = {tokens: n for (tokens, begin), n in same.items() if (tokens, begin) not in (typed, spaced)}
    if found.other_tokenizations.count:
        assert others[found.other_tokenizations.token_ids] == max(others.values())
        assert query in found.other_tokenizations.text
    else:
        assert found.other_tokenizations.token_ids == ()
    alone = index.readings(query, other_case=False)
    assert (alone.string_count, alone.other_tokenizations) == (found.string_count, found.other_tokenizations)
    assert alone.other_case is None


def check_next(index: infgram.Index, query: str, *, ignore_case: bool) -> None:
    rows = [each.next_token for each in occurrences(index, query, ignore_case=ignore_case)]
    expected = Counter(row for row in rows if row is not None)
    found = index.next_token_distribution(query, any_tokenization=True, ignore_case=ignore_case)
    assert dict(zip(found.token_ids.tolist(), found.counts.tolist(), strict=True)) == expected
    assert found.token_ids.tolist() == sorted(expected)
    assert (found.context_count, found.n_distinct) == (expected.total(), len(expected))
    top = index.next_token_distribution(query, any_tokenization=True, ignore_case=ignore_case, top_k=2)
    order = sorted(expected.items(), key=lambda row: (-row[1], row[0]))[:2]
    assert [*zip(top.token_ids.tolist(), top.counts.tolist(), strict=True)] == order
    assert (top.context_count, top.n_distinct) == (found.context_count, found.n_distinct)


def bpe_index(folder: Path, texts: Sequence[str], tokenizer: infgram.tokenizers.Tokenizer) -> infgram.Index:
    (folder / "c.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    tokenizer.save(folder)
    size = max(1, sum(map(len, texts)) // 4)
    return infgram.build(
        folder / "c.jsonl", tokenizer=str(folder / "tokenizer.json"), overwrite=True, shard_tokens=size
    )


@pytest.fixture(params=[False, True], ids=["", "few"])
def few(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Use the methods for long lists on small texts, too: search tails first, and read all that follows."""
    if request.param:
        monkeypatch.setattr(spellings, "_MAX_HEADS_EXTENDED", 0)
        monkeypatch.setattr(spellings, "_MAX_COUNTED_STEPS", 0)


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("vocab_size", [257, 300, 400])
def test_byte_pairs(vocab_size: int, tmp_path: Path) -> None:
    with bpe_index(tmp_path, SENTENCES * 20, train_bpe(SENTENCES * 3, vocab_size)) as index:
        check(index, QUERIES)


@pytest.mark.usefixtures("few")
def test_bytes() -> None:
    with text_index(SENTENCES, layout=Layout(8, 3, 1)) as index:
        check(index, QUERIES)
        assert index.readings("virtual").after_space is None  # the space is a token of its own


BPE = train_bpe(["the The theab abab aA é日日 éÉ The the b a"] * 3, 300)


@settings(max_examples=50)
@given(texts=texts, query=queries)
def test_any_texts(tmp_path_factory: pytest.TempPathFactory, texts: list[str], query: str) -> None:
    with bpe_index(tmp_path_factory.getbasetemp(), texts, BPE) as index:
        check(index, [query])


@settings(max_examples=50)
@given(texts=texts, query=queries)
def test_any_texts_with_tails_first(tmp_path_factory: pytest.TempPathFactory, texts: list[str], query: str) -> None:
    with pytest.MonkeyPatch.context() as patch, bpe_index(tmp_path_factory.getbasetemp(), texts, BPE) as index:
        patch.setattr(spellings, "_MAX_HEADS_EXTENDED", 0)
        patch.setattr(spellings, "_MAX_COUNTED_STEPS", 0)
        check(index, [query])


@given(parts=st.lists(texts, min_size=2, max_size=3), query=queries, layout=layouts)
def test_a_union(parts: list[list[str]], query: str, layout: Layout) -> None:
    with union_index(parts, layout=layout) as index:
        check(index, [query])


def test_what_people_and_models_count(tmp_path: Path) -> None:
    """The tokens of a word as typed are rare if the words in sentences begin with a space."""
    texts = ["raise ValueError"] + ["    raise ValueError(x)"] * 9 + ["(raise ValueError)", "RAISE ValueError"]
    with bpe_index(tmp_path, texts, train_bpe(texts * 3 + [" raise ValueError"] * 9, 400)) as index:
        found = index.readings("raise ValueError")
        assert found.string_count == 11
        assert found.after_space is not None
        assert (found.as_typed.count, found.after_space.count) == (index.count("raise ValueError"), 9)
        assert found.other_case is not None
        assert (found.other_case.count, found.other_case.text) == (1, "RAISE ValueError")


def test_a_tokenizer_that_prepends_a_space_counts_once(tmp_path: Path) -> None:
    base = Tokenizer(models.BPE({"Ġ": 0, "W": 1, "o": 2, "ĠW": 3, "ĠWo": 4, "x": 5}, [("Ġ", "W"), ("ĠW", "o")]))
    base.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    base.decoder = decoders.ByteLevel()
    with bpe_index(tmp_path, ["Wo x", "x Wo"], HuggingFaceTokenizer.wrap(base)) as index:
        found = index.readings("Wo")
        assert (found.string_count, found.as_typed.count, found.after_space) == (2, 2, None)
        assert found.other_tokenizations is not None
        assert found.other_tokenizations.count == 0


def test_readings_that_take_too_long_are_unknown(tmp_path: Path) -> None:
    with bpe_index(tmp_path, SENTENCES, train_bpe(SENTENCES * 3, 300)) as index:
        found = index.readings("virtual machine", max_branches=0)
        assert (found.string_count, found.other_tokenizations, found.other_case, found.is_exact) == (
            None,
            None,
            None,
            False,
        )
        assert found.as_typed.count == index.count("virtual machine")
        assert found.after_space is not None
        assert found.after_space.count == index.count(" virtual machine")
        assert index.readings("virtual" * 100).string_count is None
        assert index.readings("virtual" * 100).as_typed.count == 0


def test_a_tokenizer_whose_texts_are_not_made_of_bytes(tmp_path: Path) -> None:
    words = HuggingFaceTokenizer.wrap(Tokenizer(models.WordPiece({"[UNK]": 0, "a": 1, "##b": 2}, unk_token="[UNK]")))
    with bpe_index(tmp_path, ["ab", "a"], words) as index:
        found = index.readings("a")
        assert (found.as_typed.count, found.after_space, found.string_count) == (index.count("a"), None, None)
        assert not found.is_exact


def test_invalid_queries() -> None:
    with text_index(["aA"]) as index:
        with pytest.raises(infgram.QueryError, match="empty"):
            index.readings("")
        for wrong in ([1], None, b"a"):
            with pytest.raises(infgram.QueryError, match="expected a string"):
                index.readings(wrong)  # type: ignore[arg-type]
        with pytest.raises(infgram.QueryError, match="token ids have no case"):
            index.next_token_distribution([1], ignore_case=True)
    with token_index([[1]], vocab_size=5) as index, pytest.raises(infgram.TokenizerError, match="holds no tokenizer"):
        index.readings("a")
