"""Traces, novelty, overlap and searches of several terms equal those of the library."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import Any

import pytest
from fastapi.testclient import TestClient

import infgram
from tests.service.conftest import answered, problem

TEXTS = ("this rose is a rose", "natural language, of course", "", "zzz", "smiles 😀 come")


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize(
    "more",
    [
        {},
        {"max_spans": 3, "whole_words": True},
        {"delimiters": ["se", 32], "min_length": 2, "max_count": 3},
        {"ignore_case": True},
    ],
)
def test_trace(client: TestClient, index: infgram.Index, address: str, text: str, more: dict[str, Any]) -> None:
    body = answered(client.post(f"{address}/trace", json={"query": text, **more}))
    expected = infgram.trace(index, text, **more)
    assert body["token_ids"] == expected.token_ids.tolist()
    assert [body[name] for name in ("n_maximal", "n_covered", "n_given_up")] == [
        expected.n_maximal,
        expected.n_covered,
        expected.n_given_up,
    ]
    as_lists = [{**asdict(span), "documents": [asdict(each) for each in span.documents]} for span in expected.spans]
    assert body["spans"] == as_lists
    assert body["documents"] == [{**asdict(each), "spans": list(each.spans)} for each in expected.documents]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("max_n", [1, 4])
def test_novelty(client: TestClient, index: infgram.Index, address: str, text: str, max_n: int) -> None:
    body = answered(client.post(f"{address}/novelty", json={"query": text, "max_n": max_n}))
    expected = infgram.novelty(index, text, max_n=max_n)
    assert body["suffix_lengths"] == expected.suffix_lengths.tolist()
    assert (body["n_grams"], body["n_novel"]) == (expected.n_grams.tolist(), expected.n_novel.tolist())
    assert body["curve"] == [None if math.isnan(share) else share for share in expected.curve.tolist()]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize(
    "more", [{}, {"n": 3}, {"rule": "palm", "n": 2}, {"n": 2, "threshold": 0.7, "measure": "tokens", "sizes": [1, 5]}]
)
def test_overlap(client: TestClient, index: infgram.Index, address: str, text: str, more: dict[str, Any]) -> None:
    body = answered(client.post(f"{address}/overlap", json={"query": text, **more}))
    overlap = infgram.overlap(index, [text], **{"sizes": [], **more})
    (expected,) = overlap
    assert (body["rule"], body["is_short"]) == (str(overlap.rule), expected.is_short)
    assert body["evidence"] == (None if expected.evidence is None else asdict(expected.evidence))
    assert body["is_contaminated"] == expected.is_contaminated
    assert (body["longest_start"], body["longest_length"]) == (expected.longest_start, expected.longest_length)
    for size, wanted in zip(body["sizes"], expected.sizes, strict=True):
        assert size == {name: getattr(wanted, name) for name in size}


@pytest.mark.parametrize("query", ["a rose", "", "absent", "😀"])
def test_document_count(client: TestClient, index: infgram.Index, address: str, query: str) -> None:
    body = answered(client.post(f"{address}/document-count", json={"query": query}))
    assert body["document_count"] == index.document_count(query)


@pytest.mark.parametrize("more", [{"ignore_case": True}, {"any_tokenization": True}])
@pytest.mark.parametrize("text", ["ROSE", "rose", "os", " Natural"])
def test_a_string_in_any_tokenization(
    client: TestClient, index: infgram.Index, address: str, text: str, more: dict[str, bool]
) -> None:
    assert answered(client.post(f"{address}/count", json={"query": text, **more}))["count"] == index.count(text, **more)


def test_any_tokenization_needs_text(client: TestClient) -> None:
    body: dict[str, Any] = {"token_ids": [97], "ignore_case": True}
    problem(client.post("/v1/indexes/bytes/count", json=body), 422, "invalid_request")
    problem(client.post("/v1/indexes/bytes/count", json={"query": "", "ignore_case": True}), 422, "invalid_query")


@pytest.mark.parametrize(
    "question",
    [
        {"query": "rose AND (is OR come)"},
        {"query": "rose AND is", "scope": "document", "matches_per_document": 1},
        {"query": '"rose AND is"'},
        {"clauses": [["rose"], ["is", "come"]], "max_distance": 3},
        {"clauses": [["rose"]], "where": {"number": 0}},
        {"query": "rose", "where": {"number": 3, "tags": None}},
        {"query": "rose", "limit": 0},
        {"query": "e", "max_matches": 2, "seed": 1},
    ],
)
def test_searches(client: TestClient, index: infgram.Index, address: str, question: dict[str, Any]) -> None:
    body = answered(client.post(f"{address}/search", json=question))
    options = {name: value for name, value in question.items() if name not in ("query", "clauses")}
    asked = infgram.Cnf(question["clauses"]) if "clauses" in question else question["query"]
    expected = index.search(asked, **options)
    for name in ("count", "document_count", "is_exact", "cursor"):
        assert body[name] == getattr(expected, name), name
    assert body["count_interval"] == (list(expected.count_interval) if expected.count_interval else None)
    assert [document["document_id"] for document in body["documents"]] == [hit.document_id for hit in expected]
    for document, hit in zip(body["documents"], expected, strict=True):
        assert document["match_count"] == hit.match_count
        assert document["matches"] == [vars(match) for match in hit.matches]


@pytest.mark.parametrize(
    "question",
    [
        {"query": "os"},
        {"query": "ROSE IS", "ignore_case": True, "matches_per_document": 1, "snippet_tokens": 6},
        {"query": "ROSE IS"},
        {"query": "a", "seed": 3, "limit": 2},
        {"query": "rose", "where": {"number": 3}},
        {"query": "absent", "limit": 0},
    ],
)
def test_searches_for_strings(client: TestClient, index: infgram.Index, address: str, question: dict[str, Any]) -> None:
    body = answered(client.post(f"{address}/search-text", json=question))
    options = {name: value for name, value in question.items() if name != "query"}
    expected = index.search_text(question["query"], **options)
    for name in ("count", "document_count", "is_exact", "cursor"):
        assert body[name] == getattr(expected, name), name
    for document, hit in zip(body["documents"], expected, strict=True):
        assert (document["document_id"], document["match_count"]) == (hit.document_id, hit.match_count)
        assert document["matches"] == [vars(match) for match in hit.matches]
    (in_batch,) = answered(client.post(f"{address}/search-text/batch", json={"items": [question]}))["results"]
    del in_batch["elapsed_ms"], body["elapsed_ms"]
    assert in_batch == body


def test_queries_for_strings(client: TestClient, index: infgram.Index, address: str) -> None:
    """AND and OR are operators in any tokenization; responses have the parsed query, and readings on request only."""
    question: dict[str, Any] = {"query": "(ROSE OR os) AND is", "ignore_case": True}
    for path in ("search", "search-text"):
        body = answered(client.post(f"{address}/{path}", json=question))
        expected = index.search(question["query"], ignore_case=True)
        assert (body["count"], body["document_count"]) == (expected.count, expected.document_count)
        assert body["clauses"] == [["ROSE", "os"], ["is"]]
    assert answered(client.post(f"{address}/search", json={"query": "a rose"}))["clauses"] == [["a rose"]]
    for text in ("os", "ROSE"):
        fields = {"query": text, "ignore_case": True}
        body = answered(client.post(f"{address}/document-count", json=fields))
        assert body["document_count"] == index.document_count(text, ignore_case=True)
        rows = answered(client.post(f"{address}/next-token", json=fields))["rows"]
        after = index.next_token_distribution(text, ignore_case=True, top_k=20)
        assert [(row["token_id"], row["count"]) for row in rows] == [
            *zip(after.token_ids.tolist(), after.counts.tolist(), strict=True)
        ]
        body = answered(client.post(f"{address}/count", json={"query": text, "readings": True}))
        assert body["count"] == index.count(text)
        assert body["readings"] == json.loads(json.dumps(asdict(index.readings(text))))
        assert "readings" not in answered(client.post(f"{address}/count", json={"query": text}))
    for path, more in (("count", {"readings": True}), ("document-count", {"ignore_case": True})):
        problem(client.post(f"{address}/{path}", json={"token_ids": [97], **more}), 422, "invalid_request")
        problem(client.post(f"{address}/{path}", json={"query": "", **more}), 422, "invalid_query")
    problem(client.post(f"{address}/search-text", json={"query": "rose AND"}), 422, "malformed_query")
    problem(client.post(f"{address}/search", json={"clauses": [[[97]]], "ignore_case": True}), 422, "invalid_query")


def test_invalid_searches_for_strings(client: TestClient) -> None:
    at = "/v1/indexes/bytes/search-text"
    problem(client.post("/v1/indexes/ids/search-text", json={"query": "a"}), 422, "no_tokenizer")
    cursor = answered(client.post(at, json={"query": "e", "limit": 1}))["cursor"]
    problem(client.post(at, json={"query": "e", "ignore_case": True, "cursor": cursor}), 422, "invalid_cursor")
    problem(client.post(at, json={"query": "x" * 2_001}), 422, "limit_exceeded")
    problem(client.post(f"{at}/batch", json={"items": [{"query": "e", "limit": 8}] * 2}), 422, "limit_exceeded")
    for wrong in ({"token_ids": [97]}, {"query": ""}, {"query": None}, {"query": "e", "scope": "window"}):
        problem(client.post(at, json=wrong), 422, "invalid_request")


def test_pages(client: TestClient, index: infgram.Index, address: str) -> None:
    seen: list[int] = []
    cursor = None
    while True:
        page = answered(client.post(f"{address}/search", json={"query": "e", "limit": 2, "seed": 3, "cursor": cursor}))
        seen += [document["document_id"] for document in page["documents"]]
        cursor = page["cursor"]
        if cursor is None:
            break
    assert sorted(seen) == sorted({hit.document_id for hit in index.search("e", limit=100)})


def test_invalid_searches(client: TestClient) -> None:
    at = "/v1/indexes/bytes/search"
    for query in ("a AND", "a AND (b", "a OR b AND c"):
        problem(client.post(at, json={"query": query}), 422, "malformed_query")
    cursor = answered(client.post(at, json={"query": "e", "limit": 1}))["cursor"]
    problem(client.post(at, json={"query": "o", "cursor": cursor}), 422, "invalid_cursor")
    problem(client.post(at, json={"query": "e", "cursor": "x"}), 422, "invalid_cursor")
    in_tokens = {"clauses": [[[97]]], "ignore_case": True, "cursor": cursor}
    problem(client.post(at, json=in_tokens), 422, "invalid_query")
    empty: Any
    for empty in ({"clauses": []}, {"clauses": [["a"], [""]]}, {"clauses": [[[]]]}):
        problem(client.post(at, json=empty), 422, "empty_query")
    for many in ({"clauses": [["a"]] * 17}, {"clauses": [["a"] * 17]}, {"query": " OR ".join("a" * 17)}):
        problem(client.post(at, json=many), 422, "limit_exceeded")
    wrong: Any
    for wrong in ({"clauses": [[]]}, {"clauses": [[1]]}, {"clauses": None}, {"clauses": [["a"]], "query": "a"}):
        problem(client.post(at, json=wrong), 422, "invalid_request")
    for wrong in ({"scope": "sentence"}, {"where": {"a": [1]}}, {"where": {"a": {}}}, {"max_matches": 0}):
        problem(client.post(at, json={"query": "a", **wrong}), 422, "invalid_request")
    content = b'{"query": "a", "where": {"n": 1e400}}'
    problem(client.post(at, content=content, headers={"content-type": "application/json"}), 422, "invalid_request")
