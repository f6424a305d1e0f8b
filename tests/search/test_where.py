"""Filters on metadata."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import infgram

ROWS: list[dict[str, Any]] = [
    {"lang": "en", "year": 2020, "draft": False, "source": {"name": "x", "page": {"n": 1}}},
    {"lang": "de", "year": 2020.0, "draft": True},
    {"lang": "en", "year": "2020", "draft": 1, "source.name": "x"},
    {"lang": None, "year": 1, "draft": 0},
    {},
    {"lang": ["en"], "year": 10**30, "draft": None, "source": {"name": "y", "page.n": 1}, "a.b": {"c": 3}},
]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[infgram.Index]:
    """Document i is i + 1 times `a`."""
    path = tmp_path_factory.mktemp("where") / "corpus.jsonl"
    rows = [json.dumps({"text": "a" * (number + 1), **row}) for number, row in enumerate(ROWS)]
    path.write_text("\n".join(rows), encoding="utf-8")
    with infgram.build(path, tokenizer="bytes", shard_tokens=5) as built:
        yield built


@pytest.mark.parametrize(
    ("where", "documents"),
    [
        ({}, [0, 1, 2, 3, 4, 5]),
        ({"lang": "en"}, [0, 2]),
        ({"lang": "en", "year": 2020}, [0]),
        ({"year": 2020}, [0, 1]),
        ({"year": 2020.0}, [0, 1]),
        ({"year": "2020"}, [2]),
        ({"year": 1}, [3]),
        ({"year": True}, []),
        ({"year": 10**30}, [5]),
        ({"draft": True}, [1]),
        ({"draft": False}, [0]),
        ({"draft": 1}, [2]),
        ({"draft": 0}, [3]),
        ({"draft": None}, [5]),
        ({"lang": None}, [3]),
        ({"missing": None}, []),
        ({"source.name": "x"}, [0, 2]),
        ({"source.page.n": 1}, [0, 5]),
        ({"a.b.c": 3}, [5]),
        ({"source": "x"}, []),
        ({"lang.x": "en"}, []),
    ],
)
def test_filters(index: infgram.Index, where: dict[str, Any], documents: list[int]) -> None:
    found = index.search("a", where=where, limit=100)
    assert [hit.document_id for hit in found] == documents
    assert found.document_count == len(documents)
    assert found.count == sum(document + 1 for document in documents)
    assert found.is_exact


def test_filters_of_an_estimate(index: infgram.Index) -> None:
    counts = set()
    for seed in range(50):
        found = index.search("a", where={"lang": "en"}, max_matches=10, seed=seed)
        assert not found.is_exact
        assert found.count_interval is not None
        assert found.count_interval[0] <= 4 <= found.count_interval[1]
        assert {hit.document_id for hit in found} <= {0, 2}
        counts.add(found.count)
    assert len(counts) > 1


def test_pages_of_filtered_documents(index: infgram.Index) -> None:
    first = index.search("a", where={"year": 2020}, limit=1)
    second = index.search("a", where={"year": 2020}, limit=1, cursor=first.cursor)
    assert (first[0].document_id, second[0].document_id, second.cursor) == (0, 1, None)


def test_a_corpus_without_metadata(tmp_path: Path) -> None:
    with infgram.build_from_tokens([[1]], tmp_path / "x", vocab_size=3) as index:
        assert index.search([1], where={"lang": "en"}).document_count == 0
