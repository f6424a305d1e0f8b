"""Compare searches for strings with a scan of the documents' texts."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings, strategies as st

import infgram
from infgram import Cnf
from infgram.tokenizers import train_bpe
from infgram.types import Int64Array
from tests.building import text_index, union_index
from tests.reference import Place, fold, text_places
from tests.strategies import Layout, layouts

TEXTS = [
    "The cat sat on the mat; the CAT sat.",
    "",
    "concatenate, THEcat",
    "日本語 é\U0001f600É cat",
    "no such animal",
    "aAaAa",
]
QUERIES = ["cat", "CAT", "the", " the", "t s", "é", "日", "aa", "a", " ", "zebra", "AND", "x OR y", "\U0001f600"]

texts = st.lists(st.lists(st.sampled_from(["a", "A", "b", "é", "É", "日", " "]), max_size=9).map("".join), max_size=4)


def check(index: infgram.Index, texts: Sequence[str], query: str, *, ignore_case: bool) -> None:
    places = text_places(texts, query, ignore_case=ignore_case)
    counts = Counter(place.document_id for place in places)
    found = index.search_text(Cnf([[query]]), ignore_case=ignore_case, limit=100, matches_per_document=100)
    assert (found.count, found.document_count, found.is_exact) == (len(places), len(counts), True)
    assert [(hit.document_id, hit.match_count) for hit in found] == sorted(counts.items())
    assert [
        Place(hit.document_id, match.match_start) for match, hit in ((m, hit) for hit in found for m in hit.matches)
    ] == places
    for hit in found:
        assert hit.text == texts[hit.document_id]
        assert (hit.match_start, hit.offset) == (hit.matches[0].match_start, hit.matches[0].offset)
        for match in hit.matches:
            check_match(index, hit, match, query, ignore_case=ignore_case)


def check_match(
    index: infgram.Index, hit: infgram.SearchHit, match: infgram.SearchMatch, query: str, *, ignore_case: bool
) -> None:
    """Check the characters of a match, that its tokens are the fewest that contain them, and the snippet."""
    shown = hit.text[match.match_start : match.match_end]
    assert shown == query or (ignore_case and [*map(fold, shown)] == [*map(fold, query)])
    assert match.snippet[match.snippet_match_start : match.snippet_match_end] == shown
    assert match.snippet == hit.text[match.match_start - match.snippet_match_start :][: len(match.snippet)]
    tokens = index.document(hit.document_id).token_ids
    lengths = index.tokenizer.token_bytes().lengths[tokens]  # type: ignore[union-attr]
    begin, end = len(hit.text[: match.match_start].encode()), len(hit.text[: match.match_end].encode())
    first, last = match.offset, match.offset + match.length - 1
    assert lengths[:first].sum() <= begin < lengths[: first + 1].sum()
    assert lengths[:last].sum() < end <= lengths[: last + 1].sum()


@pytest.fixture(params=["bytes", "bpe"])
def index(request: pytest.FixtureRequest, tmp_path: Path) -> infgram.Index:
    rows = [json.dumps({"text": text, "even": number % 2 == 0}) for number, text in enumerate(TEXTS)]
    (tmp_path / "c.jsonl").write_text("\n".join(rows))
    train_bpe([*TEXTS, " the cat sat"] * 3, 300).save(tmp_path)
    tokenizer = "bytes" if request.param == "bytes" else str(tmp_path / "tokenizer.json")
    return infgram.build(tmp_path / "c.jsonl", tokenizer=tokenizer, shard_tokens=20)


@pytest.mark.parametrize("ignore_case", [False, True])
@pytest.mark.parametrize("query", QUERIES)
def test_queries(index: infgram.Index, query: str, ignore_case: bool) -> None:
    check(index, TEXTS, query, ignore_case=ignore_case)


@given(
    parts=st.lists(texts.filter(len), min_size=1, max_size=2),
    query=st.sampled_from(["a", "aa", "A", "b", "é", "a ", "日a", "ab"]),
    layout=layouts,
    ignore_case=st.booleans(),
)
def test_any_texts(parts: list[list[str]], query: str, layout: object, ignore_case: bool) -> None:
    with union_index(parts, layout=layout) as index:  # type: ignore[arg-type]
        check(index, [*chain.from_iterable(parts)], query, ignore_case=ignore_case)


def test_pages_filters_and_random_orders(index: infgram.Index) -> None:
    whole = index.search_text("a", ignore_case=True)
    assert [hit.document_id for hit in whole] == [0, 2, 3, 4, 5]
    for seed in (None, 3):
        pages, cursor = [], None
        while True:
            page = index.search_text("a", ignore_case=True, limit=2, cursor=cursor, seed=seed)
            assert (page.count, page.document_count) == (whole.count, 5)
            pages += [hit.document_id for hit in page]
            cursor = page.cursor
            if cursor is None:
                break
        assert sorted(pages) == [0, 2, 3, 4, 5]
        assert (pages == sorted(pages)) == (seed is None)
    filtered = index.search_text("a", ignore_case=True, where={"even": True})
    assert [hit.document_id for hit in filtered] == [0, 2, 4]
    assert (filtered.count, filtered.document_count) == (sum(TEXTS[n].lower().count("a") for n in (0, 2, 4)), 3)
    assert index.search_text("a", limit=0).document_count == 5


def test_displayed_matches(index: infgram.Index) -> None:
    (hit,) = index.search_text("SAT O", ignore_case=True, snippet_tokens=0)
    assert hit.snippet[hit.snippet_match_start : hit.snippet_match_end] == "sat o"
    assert len(hit.snippet) <= len(" sat on")
    assert len(index.search_text("a", matches_per_document=2)[0].matches) == 2


def test_limits(index: infgram.Index) -> None:
    with pytest.raises(infgram.QueryError, match="max_branches"):
        index.search_text("the cat", ignore_case=True, max_branches=0)
    with pytest.raises(infgram.TimeLimitError, match="longer text"):
        index.search_text("a", timeout_s=1e-9)
    with pytest.raises(infgram.QueryError, match="matches_per_document"):
        index.search_text("a", matches_per_document=0)
    with pytest.raises(infgram.QueryError, match="empty"):
        index.search_text("")


def test_and_is_an_operator_unless_quoted() -> None:
    with text_index(["rock AND roll", "roll, ROCKS", "rock"]) as index:
        for found in (
            index.search_text("rock AND roll", ignore_case=True),
            index.search("rock AND roll", ignore_case=True),
            index.search("rock AND roll", ignore_case=True, any_tokenization=True),
        ):
            assert [hit.document_id for hit in found] == [0, 1]
        for literal in ('"rock AND roll" OR nothing', Cnf([["rock AND roll"]])):
            assert [hit.document_id for hit in index.search_text(literal)] == [0]
        assert index.count("rock AND", any_tokenization=True) == 1  # the text of a count has no operators
        assert index.document_count("rock AND", any_tokenization=True) == 1
        with pytest.raises(infgram.QueryError, match="a term"):
            index.search_text("rock AND")
        with pytest.raises(infgram.QueryError, match="token ids have no case"):
            index.search(Cnf([["rock"], [[1]]]), ignore_case=True)
        with pytest.raises(infgram.QueryError, match="max_matches"):
            index.search("rock", any_tokenization=True, max_matches=1)


def occurrences(
    index: infgram.Index, clauses: Sequence[Sequence[str]], *, ignore_case: bool, distance: int | None
) -> dict[int, list[int]]:
    """Return, for each document, the characters at which the first clause occurs with all others in reach.

    A place of a clause is a character at which one of its terms begins; in reach are places whose tokens lie in one
    window of one token and `distance` more (None: in the document).
    """
    found: dict[int, list[int]] = {}
    for document_id in range(index.n_documents):
        document = index.document(document_id)
        owners = np.repeat(np.arange(len(document.token_ids)), token_lengths(index, document.token_ids))
        places = []
        for terms in clauses:
            begins = {
                place.offset for term in terms for place in text_places([document.text], term, ignore_case=ignore_case)
            }
            places.append({begin: int(owners[len(document.text[:begin].encode())]) for begin in sorted(begins)})
        reach = len(owners) if distance is None else distance
        for begin, token in places[0].items():
            windows = range(token - reach, token + 1)
            if any(all(any(w <= t <= w + reach for t in each.values()) for each in places) for w in windows):
                found.setdefault(document_id, []).append(begin)
    return found


def token_lengths(index: infgram.Index, token_ids: Int64Array) -> Int64Array:
    vocabulary = index.tokenizer.token_bytes()
    assert vocabulary is not None
    return vocabulary.lengths[token_ids]


def check_conjunction(
    index: infgram.Index, clauses: list[list[str]], *, ignore_case: bool, distance: int | None
) -> None:
    expected = occurrences(index, clauses, ignore_case=ignore_case, distance=distance)
    found = index.search(
        Cnf(clauses),
        ignore_case=ignore_case,
        any_tokenization=True,
        limit=1000,
        matches_per_document=1000,
        scope="document" if distance is None else "window",
        max_distance=distance or 0,
    )
    assert found.count == sum(map(len, expected.values()))
    assert found.document_count == len(expected)
    assert [(hit.document_id, hit.match_count) for hit in found] == [(d, len(at)) for d, at in expected.items()]
    for hit in found:
        assert [match.match_start for match in hit.matches if match.clause == 0] == expected[hit.document_id]
        for match in hit.matches:
            terms = clauses[match.clause]
            shown = hit.text[match.match_start : match.match_end]
            assert any(shown == term or (ignore_case and fold_all(shown) == fold_all(term)) for term in terms)
            check_match(index, hit, match, shown, ignore_case=ignore_case)


def fold_all(text: str) -> str:
    return "".join(map(fold, text))


terms = st.sampled_from(["a", "A", "aa", "b", "é", "a ", "日a", "ab", "aab", " "])
conjunctions = st.lists(st.lists(terms, min_size=1, max_size=3), min_size=1, max_size=3)
distances = st.sampled_from([None, 0, 1, 2, 5])


@given(
    parts=st.lists(texts.filter(len), min_size=1, max_size=2),
    clauses=conjunctions,
    layout=layouts,
    ignore_case=st.booleans(),
    distance=distances,
)
def test_any_conjunctions_in_bytes(
    parts: list[list[str]], clauses: list[list[str]], layout: Layout, ignore_case: bool, distance: int | None
) -> None:
    with union_index(parts, layout=layout) as index:
        check_conjunction(index, clauses, ignore_case=ignore_case, distance=distance)


BPE = train_bpe(["aaaa aaa aa ab aab aaab é日a éÉ A aA  a"] * 3, 290)


runs = st.lists(st.sampled_from(["a", "aa", "aaa", "aaaa", "aab", "A", " ", "é日a"]), max_size=6).map("".join)


@settings(max_examples=60)
@given(
    texts=st.lists(runs, min_size=1, max_size=3), clauses=conjunctions, ignore_case=st.booleans(), distance=distances
)
@example(texts=["aaaa b aab", "aaab"], clauses=[["a", "aa"], ["b"]], ignore_case=False, distance=2)
@example(texts=["aaaa b Aab", "aaab"], clauses=[["aab", "a"], ["A", "aa"]], ignore_case=True, distance=0)
@example(texts=["aaaa aaab", "b aaa"], clauses=[["aa", "b"], ["aab"], ["a"]], ignore_case=False, distance=None)
def test_any_conjunctions_in_byte_pairs(
    tmp_path_factory: pytest.TempPathFactory,
    texts: list[str],
    clauses: list[list[str]],
    ignore_case: bool,
    distance: int | None,
) -> None:
    """A token contains several places of a term, and terms of a clause begin at different characters of it."""
    folder = tmp_path_factory.getbasetemp()
    (folder / "c.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    BPE.save(folder)
    with infgram.build(
        folder / "c.jsonl", tokenizer=str(folder / "tokenizer.json"), overwrite=True, shard_tokens=4
    ) as index:
        check_conjunction(index, clauses, ignore_case=ignore_case, distance=distance)
        for term in clauses[0]:
            found = index.search_text(Cnf([[term]]), ignore_case=ignore_case)
            options = {"ignore_case": ignore_case, "any_tokenization": True}
            assert found.count == index.count(term, **options)
            assert found.document_count == index.document_count(term, **options)
