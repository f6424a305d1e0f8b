"""Compare traces of strings, in any tokenization and case, with a scan of all runs of words."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers

import infgram
from infgram.tokenizers import BytesTokenizer, HuggingFaceTokenizer, train_bpe
from tests.building import temporary_folder, token_index
from tests.reference import fold, maximal_word_spans, priority, text_places

EVERYTHING = 10**6
LETTERS = "aAbBeé日 E"


def byte_level(*, space_in_front: bool = False, normalize: bool = False) -> HuggingFaceTokenizer:
    """Return a byte-level BPE with merges across words and inside characters."""
    trained_tokenizer = train_bpe(["the The theab ab a b aA é日日 éÉ The the b a ab a b"] * 3, 300)
    assert isinstance(trained_tokenizer, HuggingFaceTokenizer)
    trained = json.loads(trained_tokenizer.definition)
    tokenizer = Tokenizer.from_str(json.dumps(trained))
    if space_in_front:
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    if normalize:
        tokenizer.normalizer = normalizers.NFC()
    return HuggingFaceTokenizer.wrap(tokenizer)


def across_words() -> HuggingFaceTokenizer:
    """Return a tokenizer whose tokens begin and end anywhere and may contain several words."""
    letters = "".join(sorted({*pre_tokenizers.ByteLevel.alphabet()}))
    vocabulary = {letter: number for number, letter in enumerate(letters)}
    merges = [("a", "Ġ"), ("aĠ", "b"), ("Ġ", "a"), ("b", "Ġ"), ("aĠb", "a"), ("Ã", "©"), ("b", "Ã©"), ("A", "b")]
    for first, second in merges:
        vocabulary[first + second] = len(vocabulary)
    tokenizer = Tokenizer(models.BPE(vocabulary, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    return HuggingFaceTokenizer.wrap(tokenizer)


@cache
def tokenizer_named(name: str) -> infgram.tokenizers.Tokenizer:
    makers: dict[str, Callable[[], infgram.tokenizers.Tokenizer]] = {
        "bytes": BytesTokenizer,
        "byte-level": byte_level,
        "space in front": lambda: byte_level(space_in_front=True),
        "normalized": lambda: byte_level(normalize=True),
        "across words": across_words,
    }
    return makers[name]()


TOKENIZERS = ["bytes", "byte-level", "space in front", "normalized", "across words"]


@contextmanager
def index_of(texts: list[str], tokenizer: infgram.tokenizers.Tokenizer, shards: int) -> Iterator[infgram.Index]:
    with temporary_folder(sum(map(len, texts))) as folder:
        (folder / "c.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
        tokenizer.save(folder)
        name = "bytes" if tokenizer.kind == "bytes" else str(folder / "tokenizer.json")
        size = max(1, sum(map(len, texts)) // shards)
        with infgram.build(folder / "c.jsonl", tokenizer=name, shard_tokens=size) as index:
            yield index


def texts_of(index: infgram.Index) -> list[str]:
    return [index.document(number).text for number in range(index.n_documents)]


def folded(text: str, *, ignore_case: bool) -> str:
    return "".join(map(fold, text)) if ignore_case else text


def check(index: infgram.Index, text: str, *, ignore_case: bool, seed: int = 0) -> None:
    texts = texts_of(index)
    expected = maximal_word_spans(texts, text, ignore_case=ignore_case)
    traced = infgram.trace(
        index,
        text,
        any_tokenization=True,
        ignore_case=ignore_case,
        max_spans=EVERYTHING,
        documents_per_span=2,
        snippet_tokens=3,
        seed=seed,
    )
    assert {(span.text_start, span.text_end): span.count for span in traced.spans} == expected
    assert (traced.n_maximal, traced.n_given_up) == (len(expected), 0)
    assert [span.text_start for span in traced.spans] == sorted(start for start, _ in expected)
    offsets = index.tokenizer.encode_with_offsets(text)[1].tolist()
    ranks = {document.document_id: rank for rank, document in enumerate(traced.documents)}
    for number, span in enumerate(traced.spans):
        assert span.is_exact
        assert span.text_start is not None
        assert span.text_end is not None
        assert span.text == text[span.text_start : span.text_end]
        held = [n for n, (start, end) in enumerate(offsets) if start < span.text_end and end > span.text_start]
        assert list(range(span.start, span.end)) == held
        counts = [max(1, index.count([token])) for token in traced.token_ids[span.start : span.end].tolist()]
        log_prob = math.fsum(math.log(count / index.n_tokens) for count in counts)
        assert span.log_prob == pytest.approx(log_prob, abs=1e-8)
        holders = {place.document_id for place in text_places(texts, span.text, ignore_case=ignore_case)}
        drawn = sorted(holders, key=lambda document_id: priority(seed, document_id))[:2]
        assert {hit.document_id for hit in span.documents} == {*drawn}
        assert [ranks[hit.document_id] for hit in span.documents] == sorted(ranks[each] for each in drawn)
        for hit in span.documents:
            marked = hit.snippet[hit.snippet_match_start : hit.snippet_match_end]
            assert folded(marked, ignore_case=ignore_case) == folded(span.text, ignore_case=ignore_case)
            assert number in traced.documents[ranks[hit.document_id]].spans


def check_conditions(index: infgram.Index, text: str) -> None:
    texts = texts_of(index)

    def spans(**options: object) -> dict[tuple[int | None, int | None], int]:
        found = infgram.trace(index, text, any_tokenization=True, max_spans=EVERYTHING, **options)  # type: ignore[arg-type]
        assert found.n_maximal == len(found.spans)
        return {(span.text_start, span.text_end): span.count for span in found.spans}

    expected = maximal_word_spans(texts, text)
    assert spans(whole_words=True) == expected
    assert spans(min_length=2) == maximal_word_spans(texts, text, min_words=2)
    assert spans(max_count=1) == {place: count for place, count in expected.items() if count <= 1}
    for delimiter in ("a", " ", "b é"):
        places = [place for place in range(len(text)) if text[: place + 1].endswith(delimiter)]
        assert spans(delimiters=[delimiter]) == maximal_word_spans(texts, text, breaks=places), delimiter


strings = st.lists(st.sampled_from([*LETTERS, "ab", "the ", " the", ", ", "_"]), max_size=14).map("".join)


@settings(max_examples=60)
@given(
    texts=st.lists(strings, min_size=1, max_size=5),
    text=strings,
    name=st.sampled_from(TOKENIZERS),
    shards=st.integers(1, 3),
    seed=st.integers(0, 2**64 - 1),
    read_from=st.sampled_from([1, 3, 200]),
    most_copies=st.sampled_from([1, 4, 100]),
)
def test_any_texts(
    texts: list[str], text: str, name: str, shards: int, seed: int, read_from: int, most_copies: int
) -> None:
    with index_of(texts, tokenizer_named(name), shards) as index, pytest.MonkeyPatch.context() as patch:
        copies = import_module("infgram.analysis.copies")
        for constant, value in (("READ_FROM", read_from), ("MOST_COPIES", most_copies), ("_FIRST_READ", 2)):
            patch.setattr(copies, constant, value)
        asked = f"{text} {texts[0][1:7]} {texts[-1]}"
        check(index, asked, ignore_case=False, seed=seed)
        check(index, asked, ignore_case=True, seed=seed)
        check_conditions(index, asked)


@settings(max_examples=60)
@given(
    texts=st.lists(strings, min_size=1, max_size=4),
    text=strings,
    name=st.sampled_from(TOKENIZERS),
    most=st.sampled_from([0, 1, 3, 10, 30]),
    longest=st.sampled_from([4, 10_000]),
)
def test_abandoned_searches_are_reported(texts: list[str], text: str, name: str, most: int, longest: int) -> None:
    """Every span occurs, exact spans are exact, and without abandoned searches all spans are found."""
    with index_of(texts, tokenizer_named(name), 2) as index, pytest.MonkeyPatch.context() as patch:
        for module in ("word_spans", "occurrences"):
            patch.setattr(import_module(f"infgram.analysis.{module}"), "MOST_BRANCHES", most)
            patch.setattr(import_module(f"infgram.analysis.{module}"), "LONGEST_TEXT", longest)
        asked = f"{text} {texts[0]}"
        held = texts_of(index)
        for ignore_case in (False, True):
            expected = maximal_word_spans(held, asked, ignore_case=ignore_case)
            traced = infgram.trace(index, asked, any_tokenization=True, ignore_case=ignore_case, max_spans=EVERYTHING)
            for span in traced.spans:
                assert span.text_start is not None
                assert span.text_end is not None
                count = len(text_places(held, span.text, ignore_case=ignore_case))
                assert 0 < span.count <= count
                if span.is_exact:
                    assert expected[span.text_start, span.text_end] == span.count
            if traced.n_given_up == 0:
                assert {(span.text_start, span.text_end) for span in traced.spans} == expected.keys()


def searches_of(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Record the arguments of every later search for a string."""
    searches: list[object] = []
    plain = infgram.Index.spellings

    def counted(self: infgram.Index, *arguments: object, **options: object) -> object:
        searches.append(arguments)
        return plain(self, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(infgram.Index, "spellings", counted)
    return searches


def test_the_number_of_searches_is_proportional_to_the_spans(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trace a copy of 400 words in another case, whose tokens do not occur, divided in three."""
    words = [f"Word{number * number % 9973}" for number in range(400)]
    text = " ".join(words)
    asked = " ".join("zebra" if number in (100, 250) else word.upper() for number, word in enumerate(words))
    searches = searches_of(monkeypatch)
    with index_of([text], tokenizer_named("bytes"), 1) as index:
        traced = infgram.trace(index, asked, ignore_case=True, max_spans=EVERYTHING)
        assert [(span.text.count(" ") + 1, span.count) for span in traced.spans] == [(100, 1), (149, 1), (149, 1)]
        assert len(searches) <= 3 * 4 * math.log2(400)
        searches.clear()
        assert len(infgram.trace(index, text, any_tokenization=True).spans) == 1
        assert len(searches) == 1


def test_a_long_copy_in_another_case_is_compared_with_documents(monkeypatch: pytest.MonkeyPatch) -> None:
    """The copies are longer than the longest string that is searched, and begin and end at different words."""
    text = " ".join(f"Word{number * number % 9973} {number}" for number in range(2000))
    assert len(text) > 20_000
    searches = searches_of(monkeypatch)
    with index_of([f"x {text}", f"{text} y", text[: len(text) // 2]], tokenizer_named("byte-level"), 2) as index:
        for asked, ignore_case in ((text, False), (text.upper(), True)):
            searches.clear()
            (span,) = infgram.trace(index, f"zebra {asked} zebra", any_tokenization=True, ignore_case=ignore_case).spans
            assert (span.text, span.count, span.is_exact) == (asked, 2, True)
            assert len(searches) < 30


def test_one_string_in_many_tokens() -> None:
    texts = ["a virtual machine", "virtual machines\nvirtual\nmachine", "Virtual Machine", "x virtual machine"]
    bpe = train_bpe(texts * 3, 290)
    with index_of(texts, bpe, 2) as index:
        (span,) = infgram.trace(index, "my virtual machine!", any_tokenization=True).spans
        assert (span.text, span.count) == ("virtual machine", 3)
        assert {hit.document_id for hit in span.documents} == {0, 1, 3}
        (span,) = infgram.trace(index, "my virtual machine!", ignore_case=True).spans
        assert (span.text, span.count, len(span.documents)) == ("virtual machine", 4, 4)


def test_a_sample_of_many_occurrences(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_module("infgram.analysis.trace"), "MOST_READ", 10)
    with index_of(["xab ab", "nothing", "abab ab"] * 20, tokenizer_named("byte-level"), 3) as index:
        samples = set()
        for seed in range(20):
            (span,) = infgram.trace(index, "ab", any_tokenization=True, seed=seed, documents_per_span=3).spans
            assert span.count == index.count("ab", any_tokenization=True) == 100
            found = [hit.document_id for hit in span.documents]
            assert len(set(found)) == len(found) == 3
            assert all("ab" in index.document(document_id).text for document_id in found)
            samples.add(frozenset(found))
        assert len(samples) > 10


def test_invalid_arguments(tmp_path: Path) -> None:
    words = HuggingFaceTokenizer.wrap(Tokenizer(models.WordPiece({"[UNK]": 0, "a": 1, "##b": 2}, unk_token="[UNK]")))
    with index_of(["ab", "a"], words, 1) as index, pytest.raises(infgram.TokenizerError, match="any_tokenization"):
        infgram.trace(index, "a", any_tokenization=True)
    with index_of(["ab", "a"], tokenizer_named("bytes"), 1) as index:
        with pytest.raises(infgram.QueryError, match="need a text"):
            infgram.trace(index, [97], any_tokenization=True)
        with pytest.raises(infgram.QueryError, match="delimiters that are strings"):
            infgram.trace(index, "a", ignore_case=True, delimiters=[97])
        for option in ("any_tokenization", "ignore_case"):
            with pytest.raises(infgram.QueryError, match=option):
                infgram.trace(index, "a", **{option: 1})  # type: ignore[arg-type]
        with pytest.raises(infgram.TimeLimitError):
            infgram.trace(index, "b", any_tokenization=True, timeout_s=1e-9)
        for nothing in ("", " .", "x y"):
            traced = infgram.trace(index, nothing, any_tokenization=True)
            assert (traced.spans, traced.n_maximal, traced.n_given_up) == ((), 0, 0)
    with token_index([[1]], vocab_size=5) as index, pytest.raises(infgram.QueryError, match="holds no tokenizer"):
        infgram.trace(index, "a", any_tokenization=True)
