"""Documents found by the characters of a text: against a plain scan of their texts."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import infgram
from infgram import Cnf
from infgram.tokenizers import train_bpe
from tests.building import text_index, union_index
from tests.reference import Place, fold, text_places
from tests.strategies import layouts

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
    """The characters are the text's; the tokens hold them, and no fewer do; the snippet shows the same place."""
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


def test_what_is_shown(index: infgram.Index) -> None:
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


def test_a_text_that_is_a_query_elsewhere() -> None:
    with text_index(["rock AND roll", "roll, rock"]) as index:
        found = index.search_text("rock AND")
        assert [hit.document_id for hit in found] == [0]
