"""Every invalid request gets a 4xx problem document that repeats nothing of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient
from infgram.service import Limits
from infgram.service.pipeline import body as bodies
from infgram.service.problems import ProblemError

from tests.service.conftest import problem

JSON = {"content-type": "application/json"}
QUESTIONS = (
    "count",
    "next-token",
    "infgram",
    "score",
    "search",
    "find",
    "locate",
    "longest-suffix",
    "longest-matches",
    "trace",
)
AT = "/v1/indexes/bytes"

NOT_JSON = {
    "empty": b"",
    "a space": b" ",
    "no json": b"query=rose",
    "cut off": b'{"query": "ro',
    "NaN": b'{"token_ids": [NaN]}',
    "Infinity": b'{"token_ids": [-Infinity]}',
    "5,000 digits": b'{"token_ids": [' + b"9" * 5_000 + b"]}",
    "9,000 deep": b"[" * 9_000,
    "a key twice": b'{"query": "rose", "query": "light"}',
    "a key twice inside": b'{"query": {"a": 1, "a": 1}}',
    "not utf-8": b'{"query": "\xff\xfe"}',
    "utf-16": '{"query": "rose"}'.encode("utf-16"),
    "a surrogate in utf-8": b'{"query": "\xed\xa0\x80"}',
    "a byte order mark": b'\xef\xbb\xbf{"query": "rose"}',
}
MISFITS = {
    "1e400": b'{"token_ids": [1e400]}',
    "1e400 as top_k": b'{"query": "rose", "top_k": 1e400}',
    "a lone surrogate": rb'{"query": "\ud800"}',
    "a lone surrogate as a key": rb'{"\udfff": 1}',
    "a truth value": b'{"token_ids": [true]}',
    "a number as text": b'{"token_ids": ["1"]}',
    "a decimal point": b'{"token_ids": [1.0]}',
    "negative": b'{"token_ids": [-1]}',
    "null ids": b'{"token_ids": null}',
    "null query": b'{"query": null}',
    "null beside ids": b'{"query": null, "token_ids": [1]}',
    "both": b'{"query": "a", "token_ids": [1]}',
    "neither": b"{}",
    "a query of numbers": b'{"query": [1]}',
    "a list": b"[]",
    "a text": b'"query"',
    "null": b"null",
    "an unknown field": b'{"query": "rose", "Confidential": 1}',
    "nested": b'{"token_ids": [[1]]}',
}


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("name", NOT_JSON)
def test_invalid_json(client: TestClient, question: str, name: str) -> None:
    problem(client.post(f"{AT}/{question}", content=NOT_JSON[name], headers=JSON), 422, "invalid_json")
    problem(client.post(f"{AT}/{question}/batch", content=NOT_JSON[name], headers=JSON), 422, "invalid_json")


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("name", MISFITS)
def test_invalid_bodies(client: TestClient, question: str, name: str) -> None:
    refused = problem(client.post(f"{AT}/{question}", content=MISFITS[name], headers=JSON), 422, "invalid_request")
    assert refused["errors"]
    assert "Confidential" not in json.dumps(refused)
    problem(client.post(f"{AT}/{question}/batch", content=MISFITS[name], headers=JSON), 422, "invalid_request")


def test_errors_are_described(client: TestClient) -> None:
    body = {"token_ids": [1, "2"], "top_k": 0, "Confidential": 1}
    refused = problem(client.post(f"{AT}/infgram", json=body), 422, "invalid_request")
    assert [(error["loc"], error["msg"]) for error in refused["errors"]] == [
        (["body", "token_ids", "1"], "Input should be a valid integer"),
        (["body", "top_k"], "Input should be greater than or equal to 1"),
        (["body"], "Unknown field"),
    ]
    for nothing in ({}, {"query": None}, {"query": "a", "token_ids": [1]}):
        refused = problem(client.post(f"{AT}/count", json=nothing), 422, "invalid_request")
        assert [error["msg"] for error in refused["errors"]] == [
            "Expected exactly one of query (text) and token_ids (a list of integers)"
        ]


def test_only_the_first_errors_are_listed(client: TestClient) -> None:
    refused = problem(client.post(f"{AT}/count", json={"token_ids": [1, "x", "x"]}), 422, "invalid_request")
    assert [error["loc"] for error in refused["errors"]] == [["body", "token_ids", "1"]]
    unknown = {f"f{number}": 1 for number in range(60)}
    refused = problem(client.post(f"{AT}/count", json={"query": "a", **unknown}), 422, "invalid_request")
    assert len(refused["errors"]) == 20


def test_an_object_of_many_fields(client: TestClient) -> None:
    fields = {f"f{number}": 1 for number in range(bodies.MAX_FIELDS + 1)}
    for body in (fields, {"items": [fields]}, {"query": "a", "where": fields}):
        refused = problem(client.post(f"{AT}/search", json=body), 422, "invalid_request")
        assert refused["errors"][0]["msg"] == "Expected at most 64 fields per object"


def test_too_many_values(monkeypatch: pytest.MonkeyPatch) -> None:
    """Brackets and commas inside texts do not count; a list or object counts as ten values."""
    monkeypatch.setattr(bodies, "SMALL_BYTES", 0)
    limits = Limits(body_values=100)
    for body in (b"[" + b"1," * 90 + b"1]", b"[" + b"[]," * 7 + b"[]]", b'["' + b",[{" * 1_000 + rb"\",," + b'"]'):
        bodies.parse(body, limits)
    for body in (
        b"[" + b"1," * 91 + b"1]",
        b"[" + b"[]," * 9 + b"[]]",
        b'["' + b"," * 1_000 + b'"' + b",1" * 91 + b"]",
    ):
        with pytest.raises(ProblemError) as refused:
            bodies.parse(body, limits)
        assert refused.value.problem.code == "limit_exceeded"
        assert refused.value.problem.errors[0].msg == "Expected at most 100 values"


@pytest.mark.parametrize("text", [b'"' + rb"\"" * 200_000, b'"' + b"\\" * 199_999, b'"a",' * 100_000 + b'"'])
def test_unclosed_strings_are_read_once(text: bytes) -> None:
    with pytest.raises(ProblemError):
        bodies.parse(text, Limits(body_values=100))


def test_large_headers(client: TestClient) -> None:
    long = "a" * 16_384
    problem(client.get("/healthz", headers={"x-other": long}), 431, "headers_too_large")
    problem(client.get("/healthz", params={"a": long}), 431, "headers_too_large")
    assert client.get("/healthz", headers={"x-other": "a" * 12_000}).status_code == 200


@pytest.mark.parametrize(
    "field",
    [
        {"top_k": 0},
        {"top_k": -1},
        {"top_k": True},
        {"top_k": "5"},
        {"min_count": 0},
        {"min_count": 1.5},
    ],
)
def test_fields_of_a_distribution(client: TestClient, field: dict[str, Any]) -> None:
    problem(client.post(f"{AT}/infgram", json={"query": "a", **field}), 422, "invalid_request")


@pytest.mark.parametrize(
    "field",
    [
        {"limit": -1},
        {"limit": True},
        {"seed": -1},
        {"seed": 2**64},
        {"seed": "1"},
        {"snippet_tokens": -1},
        {"top_k": 1},
    ],
)
def test_fields_of_a_search(client: TestClient, field: dict[str, Any]) -> None:
    problem(client.post(f"{AT}/search", json={"query": "a", **field}), 422, "invalid_request")


def test_an_end_that_is_not_a_boolean(client: TestClient) -> None:
    problem(client.post(f"{AT}/score", json={"query": "a", "end": 1}), 422, "invalid_request")


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("token_id", [255, 2**31, 2**63, 2**64, 10**4_000])
def test_a_token_outside_the_vocabulary(client: TestClient, question: str, token_id: int) -> None:
    sent = client.post(f"{AT}/{question}", json={"token_ids": [7, token_id]})
    refused = problem(sent, 422, "token_out_of_vocabulary")
    assert refused["errors"][0]["loc"] == ["body", "token_ids", "1"]
    assert refused["errors"][0]["msg"] == "Expected 0 to 254"


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"query": "x" * 2_001}, "query"),
        ({"query": "😀" * 251}, "query"),  # 1,004 bytes, which are the tokens
        ({"token_ids": [1] * 1_001}, "token_ids"),
    ],
)
def test_a_query_that_is_too_long(client: TestClient, question: str, body: dict[str, Any], field: str) -> None:
    refused = problem(client.post(f"{AT}/{question}", json=body), 422, "limit_exceeded")
    assert [error["loc"] for error in refused["errors"]] == [["body", field]]


@pytest.mark.parametrize(
    ("question", "field", "most"),
    [("infgram", "top_k", 50), ("next-token", "top_k", 50), ("search", "limit", 10), ("search", "snippet_tokens", 100)],
)
def test_numbers_above_the_limits(client: TestClient, question: str, field: str, most: int) -> None:
    assert client.post(f"{AT}/{question}", json={"query": "a", field: most}).status_code == 200
    refused = problem(client.post(f"{AT}/{question}", json={"query": "a", field: most + 1}), 422, "limit_exceeded")
    assert refused["errors"] == [{"loc": ["body", field], "type": "limit_exceeded", "msg": f"Expected at most {most}"}]


@pytest.mark.parametrize(("question", "field"), [("infgram", "top_k"), ("next-token", "top_k"), ("locate", "limit")])
def test_unlimited_results_need_a_stream(client: TestClient, question: str, field: str) -> None:
    body = {"query": "a", field: None}
    refused = problem(client.post(f"{AT}/{question}", json=body), 422, "limit_exceeded")
    assert [error["loc"] for error in refused["errors"]] == [["body", field]]
    assert client.post(f"{AT}/{question}", json=body, headers={"accept": "application/x-ndjson"}).status_code == 200


def test_an_empty_search(client: TestClient) -> None:
    problem(client.post(f"{AT}/search", json={"query": ""}), 422, "empty_query")
    problem(client.post(f"{AT}/search", json={"token_ids": []}), 422, "empty_query")


def test_text_for_an_index_without_a_tokenizer(client: TestClient) -> None:
    for question in QUESTIONS:
        problem(client.post(f"/v1/indexes/ids/{question}", json={"query": "a"}), 422, "no_tokenizer")


@pytest.mark.parametrize("name", ["other", "Bytes", "bytes.infgram", "%00", "..", "%F0%9F%8C%B9"])
def test_an_unknown_index(client: TestClient, name: str) -> None:
    assert client.get(f"/v1/indexes/{name}").status_code == 404
    assert client.post(f"/v1/indexes/{name}/count", json={"query": "a"}).status_code == 404
    assert client.get(f"/v1/indexes/{name}/documents/0").status_code == 404


def test_an_unknown_document(client: TestClient) -> None:
    for number in (6, 2**63, 2**64, 10**30):
        problem(client.get(f"{AT}/documents/{number}"), 404, "unknown_document")
    for text in ("-1", "x", "1.5", "1e3", "9" * 5_000, "%ED%A0%80"):
        problem(client.get(f"{AT}/documents/{text}"), 422, "invalid_request")


@pytest.mark.parametrize(
    "path",
    ["/nothing", "/v1", "/v1/indexes/", "/docs", "/redoc", "/web/app.mjs", "/web/x/app.py", "/web/x/..%2fapp.py"],
)
def test_an_unknown_path(client: TestClient, path: str) -> None:
    problem(client.get(path), 404, "unknown_path")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", f"{AT}/count", "POST"),
        ("DELETE", f"{AT}/search/batch", "POST"),
        ("POST", "/healthz", "GET"),
        ("PUT", AT, "GET"),
        ("POST", "/v1/indexes", "GET"),
    ],
)
def test_a_wrong_method(client: TestClient, method: str, path: str, allowed: str) -> None:
    response = client.request(method, path)
    problem(response, 405, "method_not_allowed")
    assert response.headers["allow"] == allowed


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": "application/json; charset=latin-1"},
        {"content-type": "application/jsonl"},
        {"content-type": ";;;"},
        {"content-type": "application/json", "content-encoding": "gzip"},
        {},
    ],
)
def test_a_wrong_media_type(client: TestClient, headers: dict[str, str]) -> None:
    sent = client.post(f"{AT}/count", content=b'{"query": "rose"}', headers=headers)
    problem(sent, 422, "unsupported_media_type")


@pytest.mark.parametrize("media_type", ["application/json;charset=UTF-8", "Application/JSON"])
def test_valid_media_types(client: TestClient, media_type: str) -> None:
    sent = client.post(f"{AT}/count", content=b'{"query": "rose"}', headers={"content-type": media_type})
    assert sent.json()["count"] == 5


def test_a_body_that_is_too_large(client: TestClient) -> None:
    for size in (20_001, 2_000_000):
        body = b'{"query": "' + b"x" * (size - 13) + b'"}'
        refused = problem(client.post(f"{AT}/count", content=body, headers=JSON), 413, "body_too_large")
        assert "20000" in refused["detail"]


def test_a_large_body_without_a_content_length(client: TestClient) -> None:
    pieces = (b" " * 1_000 for _ in range(30))
    problem(client.post(f"{AT}/count", content=pieces, headers=JSON), 413, "body_too_large")


def test_200_000_brackets() -> None:
    """Test with the default limit, which is higher than that of the other tests."""
    from infgram.service import Settings, create_app

    with TestClient(create_app(Settings()), raise_server_exceptions=False) as client:
        for body in (b"[" * 200_000, b'{"a":' * 200_000, b"[" * 200_000 + b"]" * 200_000):
            problem(client.post(f"{AT}/count", content=body, headers=JSON), 422, "limit_exceeded")


@pytest.mark.parametrize("depth", [900, 2_000, 4_500, 9_000])
def test_deep_bodies(client: TestClient, depth: int) -> None:
    """The depth limit of the JSON reader depends on the version of Python; what it accepts is invalid here."""
    body = b'{"query":' + b"[" * depth + b"]" * depth + b"}"
    response = client.post(f"{AT}/count", content=body, headers=JSON)
    problem(response, 422, response.json()["code"])


def test_errors_do_not_repeat_the_request(client: TestClient) -> None:
    """Values, unknown keys, names and paths of a request are not in its error."""
    mark = "q9Zx"
    sent = [
        client.post(f"{AT}/count", json={"query": [mark]}),
        client.post(f"{AT}/count", json={mark: 1}),
        client.post(f"{AT}/count/batch", json={"items": [{mark: mark}]}),
        client.post(f"{AT}/count", content=mark, headers=JSON),
        client.post(f"{AT}/count", content=mark, headers={"content-type": mark}),
        client.post(f"/v1/indexes/{mark}/count", json={"query": mark}),
        client.get(f"/{mark}"),
        client.get(f"{AT}/documents/{mark}"),
    ]
    assert [response.status_code for response in sent] == [422, 422, 200, 422, 422, 404, 404, 422]
    assert [response.text for response in sent if mark in response.text] == []
