"""Pages of documents: together they are the whole result, in one order; a cursor is valid for its query only."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given, strategies as st

import infgram
from tests.building import text_index, union_index
from tests.reference import priority
from tests.strategies import layouts, texts

TEXTS = ["ab", "b", "a", "abab", "", "ba", "aab", "bbb", "a"]


def all_pages(index: infgram.Index, query: str, **options: Any) -> list[infgram.SearchResult]:
    pages = [index.search(query, **options)]
    while pages[-1].cursor is not None:
        pages.append(index.search(query, cursor=pages[-1].cursor, **options))
        assert len(pages) < 100
    return pages


@given(texts, layouts, st.integers(1, 4), st.sampled_from((None, 0, 7, 2**64 - 1)))
def test_pages_together_are_the_result(documents: list[str], layout: Any, limit: int, seed: int | None) -> None:
    with text_index(documents, layout=layout) as index:
        for query in ("a", "a AND b", "zz"):
            whole = index.search(query, limit=1_000, seed=seed)
            pages = all_pages(index, query, limit=limit, seed=seed)
            assert [hit for page in pages for hit in page] == list(whole)
            assert all(len(page) == limit for page in pages[:-1])
            assert {(page.count, page.document_count) for page in pages} == {(whole.count, whole.document_count)}


def test_the_order() -> None:
    with union_index([TEXTS[:4], TEXTS[4:]]) as index:
        holders = [number for number, text in enumerate(TEXTS) if "a" in text]
        shown = [hit.document_id for page in all_pages(index, "a", limit=2) for hit in page]
        assert shown == holders
        shown = [hit.document_id for page in all_pages(index, "a", limit=2, seed=3) for hit in page]
        assert shown == sorted(holders, key=lambda document: priority(3, document)) != holders
        assert index.search("a", limit=0).cursor is None
        assert index.search("a", limit=len(holders)).cursor is None


def test_pages_may_differ_in_size_and_snippets() -> None:
    with text_index(TEXTS) as index:
        first = index.search("a", limit=1)
        rest = index.search("a", limit=100, snippet_tokens=2, matches_per_document=1, cursor=first.cursor)
        assert [hit.document_id for hit in (*first, *rest)] == [0, 2, 3, 5, 6, 8]


def test_a_cursor_is_valid_for_its_query_only() -> None:
    where = {"number": 0}
    with text_index(TEXTS) as index, text_index([*TEXTS, "a"]) as other:
        cursor = index.search("a", limit=1).cursor
        assert cursor is not None
        assert index.search("a", limit=1, cursor=cursor).documents[0].document_id == 2
        assert index.search([97], cursor=cursor).documents[0].document_id == 2  # the same query
        changes: list[tuple[str, dict[str, Any]]] = [
            ("b", {}),
            ("a AND b", {}),
            ("a OR b", {}),
            ("a", {"seed": 0}),
            ("a", {"where": where}),
            ("a", {"max_matches": 3}),
            ("a", {"scope": "document"}),
            ("a", {"max_distance": 7}),
        ]
        for query, options in changes:
            with pytest.raises(infgram.QueryError, match="cursor"):
                index.search(query, cursor=cursor, **options)
        with pytest.raises(infgram.QueryError, match="cursor"):
            other.search("a", cursor=cursor)
        content = bytearray(base64.urlsafe_b64decode(cursor))
        for place in range(len(content)):
            altered = bytes([*content[:place], content[place] ^ 1, *content[place + 1 :]])
            with pytest.raises(infgram.QueryError, match="cursor"):
                index.search("a", cursor=base64.urlsafe_b64encode(altered).decode())
        for altered_text in (cursor[:-4], cursor + "AAAA", cursor[1:], f" {cursor}", "é", "=" * 32):
            with pytest.raises(infgram.QueryError, match="cursor"):
                index.search("a", cursor=altered_text)
