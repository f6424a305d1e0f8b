"""The service returns the results of `Index`."""

from __future__ import annotations

import json
import math
from typing import Any

import orjson
import pytest
from fastapi.testclient import TestClient
from infgram.service.pipeline import serialization
from infgram.service.schemas.responses import CountResponse, CountsResponse

import infgram
from tests.service.conftest import LIMITS, TEXTS, TOKEN_DOCUMENTS, answered, problem

QUERIES = ("a rose", "natural", "rose is a", "absent here", "", "😀", " ", "the end", "\x00", "é")


@pytest.mark.parametrize("query", QUERIES)
def test_count(client: TestClient, index: infgram.Index, address: str, query: str) -> None:
    token_ids = index.tokenizer.encode(query).tolist()
    by_text = answered(client.post(f"{address}/count", json={"query": query}))
    by_ids = answered(client.post(f"{address}/count", json={"token_ids": token_ids}))
    assert by_text["count"] == by_ids["count"] == index.count(query)
    assert by_text["token_ids"] == by_ids["token_ids"] == token_ids
    assert by_text["tokens"] == by_ids["tokens"] == index.tokenizer.tokens(token_ids)
    assert by_text["elapsed_ms"] >= 0


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("top_k", [1, 3, 50])
def test_next_token(client: TestClient, index: infgram.Index, address: str, query: str, top_k: int) -> None:
    body = answered(client.post(f"{address}/next-token", json={"query": query, "top_k": top_k}))
    expected = index.next_token_distribution(query, top_k=top_k)
    check_distribution(body, index, expected, suffix_length=len(index.tokenizer.encode(query)))


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("min_count", [1, 2, 10**30])
def test_infgram(client: TestClient, index: infgram.Index, address: str, query: str, min_count: int) -> None:
    body = answered(client.post(f"{address}/infgram", json={"query": query, "min_count": min_count}))
    expected = index.infgram_distribution(query, min_count=min_count, top_k=20)
    check_distribution(body, index, expected, suffix_length=expected.suffix_length)


def check_distribution(
    body: dict[str, Any], index: infgram.Index, expected: infgram.NextTokenDistribution, *, suffix_length: int
) -> None:
    assert [row["token_id"] for row in body["rows"]] == expected.token_ids.tolist()
    assert [row["count"] for row in body["rows"]] == expected.counts.tolist()
    assert [row["log_prob"] for row in body["rows"]] == pytest.approx(expected.log_probs.tolist())
    assert [row["token"] for row in body["rows"]] == [
        None if token_id == infgram.END_OF_DOCUMENT else index.tokenizer.tokens([token_id])[0]
        for token_id in expected.token_ids.tolist()
    ]
    assert (body["context_count"], body["n_distinct"]) == (expected.context_count, expected.n_distinct)
    assert (body["suffix_length"], body["effective_n"]) == (suffix_length, suffix_length + 1)
    assert body["is_sparse"] is expected.is_sparse


def test_the_end_of_a_document_is_a_row(client: TestClient, address: str) -> None:
    body = answered(client.post(f"{address}/infgram", json={"query": "the end"}))
    assert [(row["token_id"], row["token"]) for row in body["rows"]] == [(-1, None)]


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("end", [False, True])
def test_score(client: TestClient, index: infgram.Index, address: str, query: str, end: bool) -> None:
    body = answered(client.post(f"{address}/score", json={"query": query, "end": end, "min_count": 2}))
    expected = index.score(query, end=end, min_count=2)
    log_probs = [value if math.isfinite(value) else None for value in expected.log_probs.tolist()]
    assert body["token_ids"] == expected.token_ids.tolist()
    assert len(body["tokens"]) == len(body["token_ids"])
    assert (body["tokens"][-1] is None) if end else (None not in body["tokens"])
    assert body["suffix_lengths"] == expected.suffix_lengths.tolist()
    assert body["context_counts"] == expected.context_counts.tolist()
    assert body["continuation_counts"] == expected.continuation_counts.tolist()
    assert body["log_probs"] == log_probs
    total = None if None in log_probs else pytest.approx(math.fsum(value for value in log_probs if value is not None))
    assert body["total"] == {"n_positions": len(log_probs), "n_impossible": log_probs.count(None), "log_prob": total}


@pytest.mark.parametrize("query", QUERIES)
def test_find_and_locate(client: TestClient, index: infgram.Index, address: str, query: str) -> None:
    found = answered(client.post(f"{address}/find", json={"query": query}))
    assert [(each["lo"], each["hi"]) for each in found["ranges"]] == index.find(query)
    assert found["count"] == index.count(query)
    for limit in (1, 3, 1000):
        located = answered(client.post(f"{address}/locate", json={"query": query, "limit": limit}))
        places = [(place["document_id"], place["offset"]) for place in located["locations"]]
        assert places == index.locate(query, limit=limit)
        assert located["count"] == index.count(query)


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("min_count", [1, 3])
def test_suffixes_and_probabilities(
    client: TestClient, index: infgram.Index, address: str, query: str, min_count: int
) -> None:
    body = {"query": query, "min_count": min_count}
    longest = answered(client.post(f"{address}/longest-suffix", json=body))
    expected = index.longest_suffix(query, min_count=min_count)
    assert (longest["length"], longest["count"]) == (expected.length, expected.count)
    for token_id in (-1, 97, 32):
        prob = answered(client.post(f"{address}/prob", json={**body, "token_id": token_id}))
        wanted = index.infgram_log_prob(query, token_id, min_count=min_count)
        assert prob["log_prob"] == (float(wanted) if math.isfinite(wanted) else None)
        for name in ("suffix_length", "effective_n", "context_count", "continuation_count", "is_sparse"):
            assert prob[name] == getattr(wanted, name)


@pytest.mark.parametrize("query", QUERIES)
def test_longest_matches(client: TestClient, index: infgram.Index, address: str, query: str) -> None:
    found = answered(client.post(f"{address}/longest-matches", json={"query": query}))
    expected = index.longest_matches(query)
    assert (found["lengths"], found["counts"]) == (expected.lengths.tolist(), expected.counts.tolist())


def test_the_probability_of_an_invalid_token(client: TestClient) -> None:
    body = {"query": "a", "token_id": 255}
    refused = problem(client.post("/v1/indexes/bytes/prob", json=body), 422, "token_out_of_vocabulary")
    assert refused["errors"][0]["loc"] == ["body", "token_id"]


@pytest.mark.parametrize("query", QUERIES)
def test_tokens(client: TestClient, index: infgram.Index, address: str, query: str) -> None:
    cut = answered(client.post(f"{address}/tokenize", json={"query": query}))
    assert cut["token_ids"] == index.tokenizer.encode(query).tolist()
    assert cut["tokens"] == index.tokenizer.tokens(cut["token_ids"])
    back = answered(client.post(f"{address}/detokenize", json={"token_ids": cut["token_ids"]}))
    assert back == {"text": query, "tokens": cut["tokens"]}


def test_counts(client: TestClient, index: infgram.Index, address: str) -> None:
    texts = list(QUERIES[:8])
    token_ids = [index.tokenizer.encode(text).tolist() for text in texts]
    expected = [index.count(text) for text in texts]
    for body in ({"queries": texts}, {"token_ids": token_ids}):
        found = answered(client.post(f"{address}/counts", json=body))
        assert (found["counts"], found["errors"]) == (expected, {})
    assert answered(client.post(f"{address}/counts", json={"token_ids": []}))["counts"] == []


def test_an_invalid_count_does_not_affect_the_others(client: TestClient) -> None:
    body: dict[str, Any] = {"token_ids": [[97], [97, 255], [97] * 1001, []]}
    found = answered(client.post("/v1/indexes/bytes/counts", json=body))
    assert [count is None for count in found["counts"]] == [False, True, True, False]
    assert {place: each["code"] for place, each in found["errors"].items()} == {
        "1": "token_out_of_vocabulary",
        "2": "limit_exceeded",
    }
    texts = answered(client.post("/v1/indexes/bytes/counts", json={"queries": ["rose", "x" * 2001]}))
    assert (texts["counts"], texts["errors"]["1"]["code"]) == ([5, None], "limit_exceeded")
    wrong: Any
    for wrong in ({}, {"queries": [], "token_ids": []}, {"token_ids": [1]}, {"token_ids": [[True]]}, {"queries": None}):
        problem(client.post("/v1/indexes/bytes/counts", json=wrong), 422, "invalid_request")
    problem(client.post("/v1/indexes/bytes/counts", json={"token_ids": [[1]] * 9}), 422, "limit_exceeded")


def test_counts_beyond_2_to_the_53_are_exact() -> None:
    """Integers in JSON are unbounded, and these readers keep them exact."""
    n = 2**53 + 1
    (sent,) = serialization.to_json(CountResponse(token_ids=[1], tokens=None, elapsed_ms=0.1, count=n))
    assert json.loads(sent)["count"] == orjson.loads(sent)["count"] == n
    (sent,) = serialization.to_json(CountsResponse(counts=[2**63 - 1, n], errors={}, elapsed_ms=0.1))
    assert json.loads(sent)["counts"] == orjson.loads(sent)["counts"] == [2**63 - 1, n]


@pytest.mark.parametrize("query", ["a rose", "rose", "natural", "absent here", "🌹"])
@pytest.mark.parametrize("more", [{}, {"limit": 1}, {"seed": 2**64 - 1, "limit": 2}, {"snippet_tokens": 0}])
def test_search(client: TestClient, index: infgram.Index, address: str, query: str, more: dict[str, Any]) -> None:
    more = {"limit": 5, **more}
    body = answered(client.post(f"{address}/search", json={"query": query, **more}))
    expected = index.search(query, **more)
    assert body["count"] == expected.count
    assert [document["document_id"] for document in body["documents"]] == [hit.document_id for hit in expected]
    for document, hit in zip(body["documents"], expected, strict=True):
        assert document.pop("text") == hit.text[: LIMITS.text_characters]
        assert document.pop("text_truncated") is (len(hit.text) > LIMITS.text_characters)
        assert document.pop("matches") == [vars(match) for match in hit.matches]
        assert document == {name: getattr(hit, name) for name in document}
        assert document["snippet"][document["snippet_match_start"] : document["snippet_match_end"]] == query


def test_a_document(client: TestClient, index: infgram.Index, address: str) -> None:
    for number, text in enumerate(TEXTS):
        body = answered(client.get(f"{address}/documents/{number}"))
        token_ids = index.document(number).token_ids.tolist()
        assert body["document_id"] == number
        assert (body["text"], body["text_truncated"]) == (text[:40], len(text) > 40)
        assert (body["token_ids"], body["token_ids_truncated"]) == (token_ids[:40], len(token_ids) > 40)
        assert body["n_tokens"] == len(token_ids)
        assert body["metadata"] == {"number": number, "tags": ["x", None, 1.5]}


def test_a_whole_document(client: TestClient, index: infgram.Index, address: str) -> None:
    for number, text in enumerate(TEXTS):
        body = answered(client.get(f"{address}/documents/{number}", params={"whole": True}))
        assert (body["text"], body["text_truncated"], body["token_ids_truncated"]) == (text, False, False)
        assert body["token_ids"] == index.document(number).token_ids.tolist()


def test_an_index_without_a_tokenizer(client: TestClient) -> None:
    at = "/v1/indexes/ids"
    count = answered(client.post(f"{at}/count", json={"token_ids": [0, 1]}))
    assert (count["count"], count["token_ids"], count["tokens"]) == (2, [0, 1], None)
    rows = answered(client.post(f"{at}/infgram", json={"token_ids": [4, 0, 1]}))["rows"]
    assert [(row["token_id"], row["token"], row["count"]) for row in rows] == [(-1, None, 1), (2, None, 1)]
    assert answered(client.post(f"{at}/score", json={"token_ids": [4]}))["log_probs"] == [None]
    found = answered(client.post(f"{at}/search", json={"token_ids": [3]}))["documents"]
    assert [(document["document_id"], document["text"]) for document in found] == [(1, "")]
    assert answered(client.get(f"{at}/documents/0"))["token_ids"] == TOKEN_DOCUMENTS[0]


def test_the_list_of_indexes(client: TestClient, index: infgram.Index) -> None:
    body = answered(client.get("/v1/indexes"))
    assert [entry["name"] for entry in body["indexes"]] == ["bytes", "bpe", "ids"]
    assert body["limits"] == LIMITS.model_dump()
    entry = next(entry for entry in body["indexes"] if entry["name"] == index.paths[0].stem)
    assert entry.items() <= {"name": entry["name"], **index.info()}.items()
    assert "paths" not in entry


def test_one_index(client: TestClient, index: infgram.Index, address: str) -> None:
    body = answered(client.get(address))
    expected = index.info()
    del expected["paths"]
    assert body == {"name": index.paths[0].stem, **expected}


def test_health(client: TestClient) -> None:
    assert answered(client.get("/healthz")) == {"status": "ok"}
    assert answered(client.get("/readyz")) == {"status": "ready"}
