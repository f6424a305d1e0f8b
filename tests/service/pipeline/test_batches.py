"""A batch gives the results of its single queries, or an error in their place."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.service.conftest import answered, problem

KINDS = (
    "count",
    "next-token",
    "infgram",
    "score",
    "search",
    "find",
    "locate",
    "longest-suffix",
    "longest-matches",
    "prob",
    "document-count",
    "trace",
    "novelty",
    "overlap",
)
GOOD: tuple[dict[str, Any], ...] = ({"query": "a rose"}, {"token_ids": [97, 32]}, {"query": "absent"})
BAD: dict[str, tuple[Any, str]] = {
    "no object": ([1, 2], "invalid_request"),
    "null": (None, "invalid_request"),
    "nothing": ({}, "invalid_request"),
    "both": ({"query": "a", "token_ids": [1]}, "invalid_request"),
    "a truth value": ({"token_ids": [True]}, "invalid_request"),
    "outside the vocabulary": ({"token_ids": [0, 255]}, "token_out_of_vocabulary"),
    "too long": ({"query": "x" * 2_001}, "limit_exceeded"),
}


def without_time(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name != "elapsed_ms"}


@pytest.mark.parametrize("kind", KINDS)
def test_items_equal_single_queries(client: TestClient, kind: str) -> None:
    at = f"/v1/indexes/bytes/{kind}"
    results = answered(client.post(f"{at}/batch", json={"items": [{**item, **small(kind)} for item in GOOD]}))[
        "results"
    ]
    alone = [answered(client.post(at, json={**item, **small(kind)})) for item in GOOD]
    assert [without_time(result) for result in results] == [without_time(result) for result in alone]


def small(kind: str) -> dict[str, int]:
    return {"search": {"limit": 3}, "prob": {"token_id": 97}}.get(kind, {})


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", BAD)
def test_an_invalid_item_does_not_affect_the_others(client: TestClient, kind: str, name: str) -> None:
    bad, code = BAD[name]
    items = [{"query": "a rose", **small(kind)}, bad, {"query": "the end", **small(kind)}]
    if isinstance(bad, dict):
        items[1] = {**bad, **small(kind)}
    first, failed, last = answered(client.post(f"/v1/indexes/bytes/{kind}/batch", json={"items": items}))["results"]
    assert "code" not in first
    assert "code" not in last
    assert (failed["status"], failed["code"]) == (422, code)
    assert all(error["loc"][0] == "body" for error in failed["errors"])


def test_an_empty_batch(client: TestClient) -> None:
    assert answered(client.post("/v1/indexes/bytes/count/batch", json={"items": []})) == {"results": []}


def test_an_empty_search_does_not_affect_the_others(client: TestClient) -> None:
    items = [{"query": "", "limit": 1}, {"query": "rose", "limit": 1}]
    failed, found = answered(client.post("/v1/indexes/bytes/search/batch", json={"items": items}))["results"]
    assert failed["code"] == "empty_query"
    assert found["count"] == 5


@pytest.mark.parametrize("kind", KINDS)
def test_too_many_items(client: TestClient, kind: str) -> None:
    items = [{"query": "a"}] * 9
    refused = problem(client.post(f"/v1/indexes/bytes/{kind}/batch", json={"items": items}), 422, "limit_exceeded")
    assert [(error["loc"], error["msg"]) for error in refused["errors"]] == [
        (["body", "items"], "Expected at most 8 items")
    ]


@pytest.mark.parametrize(
    ("kind", "item"), [("infgram", {"top_k": 50}), ("next-token", {"top_k": 50}), ("search", {"limit": 6})]
)
def test_the_total_limit(client: TestClient, kind: str, item: dict[str, int]) -> None:
    at = f"/v1/indexes/bytes/{kind}/batch"
    assert len(answered(client.post(at, json={"items": [{"query": "a", **item}] * 2}))["results"]) == 2
    problem(client.post(at, json={"items": [{"query": "a", **item}] * 3}), 422, "limit_exceeded")


def test_a_batch_is_an_object_with_items(client: TestClient) -> None:
    bodies: list[Any] = [[{"query": "a"}], {"items": {"query": "a"}}, {"queries": []}, {"items": [], "more": 1}]
    for body in bodies:
        problem(client.post("/v1/indexes/bytes/count/batch", json=body), 422, "invalid_request")


def test_tokens_and_documents(client: TestClient, address: str) -> None:
    for question, items, wrong in (
        ("tokenize", [{"query": "a rose"}, {"query": ""}], ({"query": 5}, "invalid_request")),
        (
            "detokenize",
            [{"token_ids": [97, 32]}, {"token_ids": []}],
            ({"token_ids": [9_999]}, "token_out_of_vocabulary"),
        ),
    ):
        found = answered(client.post(f"{address}/{question}/batch", json={"items": [*items, wrong[0]]}))["results"]
        assert found[:-1] == [answered(client.post(f"{address}/{question}", json=item)) for item in items]
        assert found[-1]["code"] == wrong[1]
    body = {"items": [{"document_id": number} for number in (3, 0, 99)]}
    found = answered(client.post(f"{address}/documents/batch", json=body))["results"]
    assert found[:-1] == [answered(client.get(f"{address}/documents/{number}")) for number in (3, 0)]
    assert found[-1]["code"] == "unknown_document"
