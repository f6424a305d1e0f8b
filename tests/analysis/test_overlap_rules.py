"""Compare each rule of the literature with its definition in plain Python on the texts of the corpus."""

from __future__ import annotations

import math
import random
import string
import unicodedata
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, strategies as st

import infgram
from infgram.analysis.normalized import Words, find_pieces
from infgram.watch import Watch
from tests.building import text_index, token_index, union_index
from tests.strategies import Layout, layouts

LINES = [
    "The Quick, brown fox -- jumps over the lazy dog; and runs away into the dark, cold forest!",
    "don't   STOP me now: I'm having\nsuch a good\ttime, I'm having a ball",
    "Straße Ärger ÉTÉ ΣΊΣΥΦΟΣ 漢字 x² 3.14 snake_case and more words, to make up thirteen of them here",
    "",
]

WORDS = (
    "the",
    "The",
    "fox,",
    "--",
    "don't",
    "dont",
    "É",
    "é",
    "ab",
    "a b",
    "_",
    "x\n",
    "1.5",
    "15",
    "e\u0301",
    "घर",
    "हि",
)
SPACED = st.lists(st.sampled_from(WORDS), max_size=20).map(" ".join)


def is_kept(character: str) -> bool:
    is_selector = "VARIATION SELECTOR" in unicodedata.name(character, "")
    return character.isalnum() or (unicodedata.category(character) in ("Mn", "Mc", "Me") and not is_selector)


def words_of(text: str) -> list[str]:
    """Normalize to NFC and lower case, keep letters, digits and marks only, and split at white space."""
    words = []
    for chunk in unicodedata.normalize("NFC", text).split():
        word = "".join(character for character in chunk.lower() if is_kept(character))
        if word:
            words.append(word)
    return words


def n_grams(units: Sequence[str], n: int) -> list[tuple[str, ...]]:
    return [tuple(units[start : start + n]) for start in range(len(units) - n + 1)]


@given(st.lists(SPACED, min_size=1, max_size=6), st.lists(SPACED, max_size=5), st.integers(1, 6), layouts)
def test_any_n_gram_of_words(documents: list[str], items: list[str], n: int, layout: Layout) -> None:
    items = [*items, *documents[:1], " ".join(documents)[5:40]]
    with text_index(documents, layout=layout) as index:
        overlap = infgram.overlap(index, items, rule="gpt-3", n=n, sizes=[2])
        found = list(overlap)
    for text, item in zip(items, found, strict=True):
        units = words_of(text)
        size = min(n, len(units))
        asked = n_grams(units, size) if units else []
        held = {gram for document in documents for gram in n_grams(words_of(document), size)}
        seen = [gram in held for gram in asked]
        assert (item.rule_overlap.n_grams, item.rule_overlap.n_seen) == (len(asked), sum(seen))
        assert item.is_contaminated == any(seen)
        assert item.is_short == (len(units) < n)
        if item.evidence is not None:
            check_evidence(item.evidence, documents, words_of, size)
    assert overlap.total.n_contaminated == sum(item.is_contaminated for item in found)
    assert overlap.total.n_short == sum(item.is_short and not item.is_contaminated for item in found)
    assert overlap.total.n_clean + overlap.total.n_contaminated + overlap.total.n_short == len(items)


def check_evidence(evidence: infgram.OverlapEvidence, documents: list[str], units: object, size: int) -> None:
    assert callable(units)
    held = evidence.snippet[evidence.snippet_match_start : evidence.snippet_match_end]
    assert units(held) == units(evidence.text)
    assert len(units(held)) == size
    assert held in documents[evidence.document_id]
    assert evidence.metadata["number"] == evidence.document_id


def characters_of(text: str) -> list[str]:
    return [character for character in unicodedata.normalize("NFC", text) if is_kept(character)]


@given(st.lists(SPACED, min_size=1, max_size=6), st.lists(SPACED, max_size=5), st.integers(1, 12), st.integers(0, 3))
def test_three_substrings_of_letters_and_digits(documents: list[str], items: list[str], n: int, seed: int) -> None:
    items = [*items, *documents[:2]]
    with text_index(documents) as index:
        found = list(infgram.overlap(index, items, rule="gpt-4", n=n, seed=seed))
        assert found == list(infgram.overlap(index, items, rule="gpt-4", n=n, seed=seed))
    drawn = random.Random(seed)
    texts = ["".join(characters_of(document)) for document in documents]
    for text, item in zip(items, found, strict=True):
        units = "".join(characters_of(text))
        starts = range(max(len(units) - n + 1, 1 if units else 0))
        pieces = [units[start : start + n] for start in sorted(drawn.sample(starts, min(3, len(starts))))]
        seen = [any(piece in held for held in texts) for piece in pieces]
        assert (item.rule_overlap.n_grams, item.rule_overlap.n_seen) == (len(pieces), sum(seen))
        assert item.is_contaminated == any(seen)
        assert item.is_short == (len(units) < n)
        if item.evidence is not None:
            check_evidence(item.evidence, documents, characters_of, min(n, len(units)))


def test_words_are_not_tokens() -> None:
    """The same words with different case, punctuation and spaces are different tokens."""
    item = "the quick BROWN fox jumps (over) the lazy dog and runs: away into the dark"
    with union_index([LINES[:2], LINES[2:]]) as index:
        by_tokens = infgram.overlap(index, [item], n=40)
        by_words = infgram.overlap(index, [item], rule="gpt-3")
        assert not next(by_tokens).is_contaminated
        found = next(by_words)
        assert found.is_contaminated
        assert found.evidence is not None
        assert found.evidence.document_id == 0
        assert found.evidence.text.startswith("the quick BROWN fox")
        assert "The Quick, brown fox -- jumps" in found.evidence.snippet
        assert str(by_words.rule) == "any 13-gram of words in the corpus (gpt-3)"
        assert str(by_tokens.rule) == "any 40-gram of tokens in the corpus"


@pytest.mark.parametrize("rule", ["gpt-3", "gpt-4"])
@pytest.mark.parametrize(
    ("document", "item", "is_held"),
    [
        ("वह हिन्दी में घर गया", "हिन्दी में घर", True),
        ("वह हिन्दी में घर गया", "हानद म घर", False),
        ("un été à la mer", unicodedata.normalize("NFD", "été à la"), True),
        (unicodedata.normalize("NFD", "un été, à la mer"), "été à la", True),
        ("un été à la mer", "ete a la", False),
        (unicodedata.normalize("NFD", "나는 한국어 책"), "한국어 책", True),
        ("I \u2764 you", "I \u2764\ufe0f you", True),
    ],
)
def test_marks_belong_to_the_letters(rule: str, document: str, item: str, is_held: bool) -> None:
    with text_index([document]) as index:
        (found,) = infgram.overlap(index, [item], rule=rule)
    assert found.is_contaminated == is_held
    if found.evidence is not None:
        units = words_of if rule == "gpt-3" else characters_of
        check_evidence(found.evidence, [document], units, len(units(item)))


@pytest.mark.parametrize(("lengths", "n"), [([3] * 20, 8), ([10] * 20, 10), ([40] * 20, 13), ([2, *[12] * 99], 12)])
def test_the_n_of_gpt_3_depends_on_the_items(lengths: list[int], n: int) -> None:
    items = [" ".join(["word"] * length) for length in lengths]
    with text_index(LINES) as index:
        overlap = infgram.overlap(index, items, rule="gpt-3")
        found = list(overlap)
    assert overlap.rule.n == n
    assert [item.is_short for item in found] == [length < n for length in lengths]


def test_some_rules_compare_a_short_item_as_a_whole() -> None:
    with text_index(LINES) as index:
        for rule in ("gpt-3", "gpt-4"):
            overlap = infgram.overlap(index, ["QUICK brown".lower(), "uick brown", "Quick brown", "", "?!"], rule=rule)
            verdicts = [item.is_contaminated for item in overlap]
            assert verdicts == (
                [True, False, True, False, False] if rule == "gpt-3" else [False, True, True, False, False]
            )
            assert (overlap.total.n_short, overlap.total.n_clean) == (5 - sum(verdicts), 0)
        overlap = infgram.overlap(index, ["fox"], rule="palm")
        assert (next(overlap).is_short, overlap.total.n_short, overlap.total.n_clean) == (True, 1, 0)


@given(st.lists(st.lists(st.integers(0, 3), max_size=40), min_size=1), st.lists(st.integers(0, 3), max_size=40))
def test_the_rules_of_tokens(documents: list[list[int]], item: list[int]) -> None:
    with token_index([*documents, [0]], vocab_size=6) as index:
        palm, llama, not_clean = (
            next(infgram.overlap(index, [item], rule=rule, threshold=threshold))
            for rule, threshold in (("palm", None), ("llama-2", None), ("llama-2", 0.2))
        )
    seen = {
        n: [any(item[i : i + n] == held[j : j + n] for held in documents for j in range(len(held))) for i in range(m)]
        for n in (8, 10)
        for m in [max(0, len(item) - n + 1)]
    }
    assert palm.is_contaminated == (any(seen[8]) and sum(seen[8]) / len(seen[8]) >= 0.7)
    covered = {i + k for i, is_seen in enumerate(seen[10]) if is_seen for k in range(10)}
    assert llama.is_contaminated == (bool(covered) and len(covered) / len(item) >= 0.8)
    assert not_clean.is_contaminated == (bool(covered) and len(covered) / len(item) >= 0.2)
    if llama.evidence is not None:
        tokens = item[llama.longest_start : llama.longest_start + llama.longest_length]
        document = documents[llama.evidence.document_id]
        assert any(document[j : j + len(tokens)] == tokens for j in range(len(document)))
        assert llama.evidence.snippet == ""


def test_the_evidence_of_tokens() -> None:
    with text_index([*LINES, "x" * 2000]) as index:
        (item,) = infgram.overlap(index, ["a brown fox -- jumps no more"], n=5)
        assert item.evidence is not None
        assert item.evidence.text == " brown fox -- jumps "
        start, end = item.evidence.snippet_match_start, item.evidence.snippet_match_end
        assert item.evidence.snippet[start:end] == item.evidence.text
        assert item.evidence.snippet.startswith("The Quick, brown")
        assert item.evidence.metadata["number"] == 0
        (long,) = infgram.overlap(index, ["x" * 1500])
        assert long.evidence is not None
        assert (long.longest_length, len(long.evidence.text)) == (1500, 256)
        (clean,) = infgram.overlap(index, ["zzz"], n=2)
        assert clean.evidence is None


def test_invalid_rules() -> None:
    with text_index(LINES) as index:
        with pytest.raises(infgram.QueryError, match="'gpt-3', 'palm', 'llama-2' or 'gpt-4'"):
            infgram.overlap(index, [], rule="gpt-2")
        with pytest.raises(infgram.QueryError, match="measure"):
            infgram.overlap(index, [], rule="gpt-3", measure="tokens")
        with pytest.raises(infgram.TimeLimitError):
            next(infgram.overlap(index, ["a"], rule="gpt-3", timeout_s=1e-9))
        assert list(infgram.overlap(index, [], rule="gpt-3")) == []
    with (
        token_index([[1, 2, 3]], vocab_size=9) as index,
        pytest.raises(infgram.QueryError, match=r"no tokenizer.*palm"),
    ):
        infgram.overlap(index, [], rule="gpt-4")


def test_documents_are_not_read_if_all_substrings_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    with text_index([*LINES, "never read"]) as index:
        read, document_tokens = [], infgram.Index.document_tokens

        def counted(self: infgram.Index, document_id: int) -> Any:
            read.append(document_id)
            return document_tokens(self, document_id)

        monkeypatch.setattr(infgram.Index, "document_tokens", counted)
        watch = Watch(None)
        pieces = [("the", "quick"), ("brown",), ("stop", "me"), ("now",), ("the", "quick")]
        assert set(find_pieces(index, pieces, Words(), watch)) == set(pieces)
        assert read == [0, 1]


def test_an_adjusted_rule_is_labeled() -> None:
    with text_index(LINES) as index:
        palm = infgram.overlap(index, [], rule="palm", n=3, threshold=0.1).rule
        assert str(palm) == "at least 10% of the token 3-grams in the corpus (after palm, changed)"
        assert infgram.overlap(index, [], rule="palm", n=8).rule == infgram.OVERLAP_RULES["palm"]
        gpt_4 = infgram.overlap(index, [], rule="gpt-4", threshold=0.5).rule
        assert str(gpt_4).startswith("at least 50% of 3 random pieces of 50 letters and digits in the corpus (after")


def test_arguments_of_a_wrong_type() -> None:
    wrong: Any = "x"
    with pytest.raises(TypeError, match="index is 'x'; expected an"):
        infgram.overlap(wrong, ["a"], rule="gpt-3")
    with text_index(LINES) as index:
        for rule in (["gpt-3"], {"gpt-3"}, 3):
            wrong = rule
            with pytest.raises(infgram.QueryError, match=r"rule is .*; expected 'gpt-3', 'palm'"):
                infgram.overlap(index, ["a"], rule=wrong)
        for seed in ([1], "a", None, -1, 1.5, 2**64):
            wrong = seed
            with pytest.raises(infgram.QueryError, match="seed is"):
                infgram.overlap(index, ["a"], rule="gpt-4", seed=wrong)


def test_rules_match_the_papers() -> None:
    assert {
        name: (rule.n, rule.threshold, rule.measure, rule.unit) for name, rule in infgram.OVERLAP_RULES.items()
    } == {
        "gpt-3": (13, 0.0, "n_grams", "words"),
        "palm": (8, 0.7, "n_grams", "tokens"),
        "llama-2": (10, 0.8, "tokens", "tokens"),
        "gpt-4": (50, 0.0, "n_grams", "characters"),
    }
    assert all(rule.name == name and not math.isnan(rule.threshold) for name, rule in infgram.OVERLAP_RULES.items())
    assert not set(string.punctuation) & set("".join(words_of(" ".join(LINES))))
