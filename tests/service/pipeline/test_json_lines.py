"""Responses as lines of JSON: the same content, with a last line that shows that it is complete."""

from __future__ import annotations

import json
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from infgram.service import Settings, create_app
from infgram.service.pipeline import serialization
from infgram.service.schemas.batch import Results
from infgram.service.schemas.responses import DocumentResponse, Span, SpanDocument, TraceResponse

import infgram
from tests.service.conftest import TEXTS, answered, problem

AS_LINES = {"accept": "application/x-ndjson"}


def lines_of(response: Any) -> list[dict[str, Any]]:
    """Return the lines but the last, which must have their number."""
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/x-ndjson"
    assert response.text.endswith("\n")
    *lines, end = [json.loads(line) for line in response.text.splitlines()]
    assert end == {"end": {"n_lines": len(lines)}}
    return lines


@pytest.mark.parametrize(
    "accept", ["application/x-ndjson", "application/jsonl;q=0.9, */*", "text/html, APPLICATION/NDJSON"]
)
@pytest.mark.parametrize(
    ("question", "field"),
    [("infgram", "rows"), ("next-token", "rows"), ("locate", "locations"), ("search", "documents")],
)
def test_the_list_comes_after_the_rest(client: TestClient, question: str, field: str, accept: str) -> None:
    at, body = f"/v1/indexes/bytes/{question}", {"query": "rose"}
    head, *elements = lines_of(client.post(at, json=body, headers={"accept": accept}))
    whole = answered(client.post(at, json=body))
    if field == "documents":
        for element, document in zip(elements, whole[field], strict=True):
            text = TEXTS[document["document_id"]]
            assert (element["text"], element["text_truncated"]) == (text, False)
            element |= {"text": document["text"], "text_truncated": document["text_truncated"]}
    assert elements == whole.pop(field)
    del head["elapsed_ms"], whole["elapsed_ms"]
    assert head == whole


@pytest.mark.parametrize("question", ["count", "score", "longest-matches", "find"])
def test_a_response_without_a_list_is_one_line(client: TestClient, question: str) -> None:
    at, body = f"/v1/indexes/bpe/{question}", {"query": "a rose"}
    (line,) = lines_of(client.post(at, json=body, headers=AS_LINES))
    whole = answered(client.post(at, json=body))
    del line["elapsed_ms"], whole["elapsed_ms"]
    assert line == whole


def test_a_batch_is_its_results(client: TestClient) -> None:
    body = {"items": [{"query": "rose"}, {"query": 1}, {"token_ids": [97]}]}
    lines = lines_of(client.post("/v1/indexes/bytes/count/batch", json=body, headers=AS_LINES))
    assert [line.get("count") for line in lines] == [5, None, 19]
    assert lines[1]["code"] == "invalid_request"


def test_all_rows_and_locations(client: TestClient, index: infgram.Index, address: str) -> None:
    _, *rows = lines_of(client.post(f"{address}/next-token", json={"query": "", "top_k": None}, headers=AS_LINES))
    expected = index.next_token_distribution("")
    assert [(row["token_id"], row["count"]) for row in rows] == list(
        zip(expected.token_ids.tolist(), expected.counts.tolist(), strict=True)
    )
    _, *places = lines_of(client.post(f"{address}/locate", json={"query": "", "limit": None}, headers=AS_LINES))
    assert [(place["document_id"], place["offset"]) for place in places] == index.locate("")


def test_errors_have_their_status(client: TestClient) -> None:
    problem(client.post("/v1/indexes/none/count", json={"query": "a"}, headers=AS_LINES), 404, "unknown_index")
    problem(client.post("/v1/indexes/bytes/count", json={"query": 1}, headers=AS_LINES), 422, "invalid_request")
    problem(client.post("/v1/indexes/bytes/search", json={"query": ""}, headers=AS_LINES), 422, "empty_query")
    items = [{"query": "a", "limit": 1}] * 9
    problem(
        client.post("/v1/indexes/bytes/search/batch", json={"items": items}, headers=AS_LINES), 422, "limit_exceeded"
    )


def test_an_error_in_a_stream_is_a_line(folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """The time limit is exceeded after some results, with a clock that advances a second per reading."""
    clock = count()
    monkeypatch.setattr("infgram.service.pipeline.job.monotonic", lambda: next(clock))
    app = create_app(Settings(indexes={"bytes": folders["bytes"]}, stream_timeout_s=100))
    with TestClient(app) as client:
        body = {"items": [{"query": "a rose is a rose" * 30}] * 300}
        response = client.post("/v1/indexes/bytes/score/batch", json=body, headers=AS_LINES)
    assert response.status_code == 200
    *results, last = [json.loads(line) for line in response.text.splitlines()]
    assert last["problem"]["code"] == "timeout"
    assert 0 < len(results) < 300
    assert all("log_probs" in result for result in results)


def test_long_responses_are_encoded_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pieces form the same JSON, and none is much larger than requested."""
    document: dict[str, Any] = {"document_id": 1, "metadata": {"a": [1]}, "n_tokens": 3, "text_truncated": False}
    document |= {"source": "a.jsonl", "line": 1}
    long: dict[str, Any] = {"text": 'a"\\\n🌹é\x00' * 500, "token_ids": [*range(3_000)], "token_ids_truncated": False}
    model = DocumentResponse(**document, **long)
    found = SpanDocument(document_id=1, offset=2, snippet="a rose", snippet_match_start=0, snippet_match_end=1)
    span = Span(
        start=0,
        end=1,
        text_start=None,
        text_end=None,
        text="x",
        count=1,
        is_exact=True,
        log_prob=-1,
        documents=[found] * 9,
    )
    trace = TraceResponse(
        token_ids=[1],
        tokens=None,
        elapsed_ms=1,
        n_maximal=1,
        n_covered=1,
        n_given_up=0,
        spans=[span] * 40,
        documents=[],
    )
    results: Results[Any] = Results([model, model])
    expected = [model.model_dump_json(), trace.model_dump_json()]
    expected.append('{"results":[' + f"{expected[0]},{expected[0]}" + "]}")
    for divisible in (serialization._LONG_FIELDS, dict.fromkeys(serialization._LONG_FIELDS, 0)):
        monkeypatch.setattr(serialization, "_LONG_FIELDS", divisible)
        monkeypatch.setattr(serialization, "CHUNK_LENGTH", 100)
        monkeypatch.setattr(serialization, "CHUNK_BYTES", 1_000)
        answers: list[Any] = [model, trace, results]
        for answer, text in zip(answers, expected, strict=True):
            pieces = serialization.to_json(answer)
            assert json.loads(b"".join(pieces)) == json.loads(text)
        assert max(map(len, pieces)) < 40_000
    assert max(map(len, serialization.to_json(model))) < 2_500


def test_large_objects_are_encoded_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serialization, "MAX_ENTRIES", 7)
    for n in (0, 7, 8, 14, 100):
        value: dict[str, Any] = {"a": {str(number): {"b": number} for number in range(n)}, "c": [1, None]}
        assert json.loads(b"".join(serialization.to_json_object(value))) == value
    assert serialization.to_json_object({}) == [b"{}"]


def test_a_response_in_pieces_has_its_length(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = client.get("/v1/indexes/bytes/documents/3?whole=true")
    monkeypatch.setattr(serialization, "CHUNK_BYTES", 1)
    monkeypatch.setattr(serialization, "_LONG_FIELDS", dict.fromkeys(serialization._LONG_FIELDS, 0))
    pieces = client.get("/v1/indexes/bytes/documents/3?whole=true")
    assert pieces.json() == whole.json()
    assert pieces.headers["content-length"] == str(len(pieces.content))
