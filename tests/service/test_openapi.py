"""The OpenAPI document is current and matches the service, and its examples match its schemas."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_type_hints

import fastapi
import pytest
from fastapi.testclient import TestClient
from infgram.service import openapi
from infgram.service.routes import QUERY_ROUTES
from infgram.service.schemas import fields, requests, responses
from pydantic import BaseModel

from tests.service.conftest import LIMITS, problem

COMMITTED = Path(__file__).resolve().parents[2] / "docs" / "openapi.json"
QUESTIONS = (
    "count",
    "detokenize",
    "document_count",
    "find",
    "infgram",
    "interpolated",
    "locate",
    "longest_matches",
    "longest_suffix",
    "next_token",
    "novelty",
    "overlap",
    "prob",
    "score",
    "search",
    "search_text",
    "tokenize",
    "trace",
)
MODELS = [
    model
    for module in (fields, requests, responses)
    for model in vars(module).values()
    if isinstance(model, type) and issubclass(model, BaseModel) and model.__module__ == module.__name__
]
BATCHES = {
    model.__name__: model
    for path, route in QUERY_ROUTES.items()
    if path.endswith("/batch")
    for model in (get_type_hints(route.endpoint)["batch"], route.response_model)
}
"""The models that the registration of a question makes."""


@pytest.fixture(scope="module")
def document(client: TestClient) -> dict[str, Any]:
    body: dict[str, Any] = client.get("/openapi.json").json()
    return body


def operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in document["paths"].values():
        yield from path.values()


def test_the_committed_document_is_current() -> None:
    """`make generated` regenerates it."""
    assert COMMITTED.read_text(encoding="utf-8") == openapi.text(), f"FastAPI {fastapi.__version__}"


def test_operation_ids_are_stable(document: dict[str, Any]) -> None:
    expected = {"indexes", "index", "document", "document_ids", "healthz", "readyz", "root", "web"}
    expected |= {"add", "delete", "compact", "job", "jobs"}
    expected |= {"counts", "reload", "public_query", "metrics", "document_batch"}
    expected |= {*QUESTIONS, *(f"{name}_batch" for name in QUESTIONS)}
    assert sorted(operation["operationId"] for operation in operations(document)) == sorted(expected)


def test_every_operation_has_a_tag_and_a_summary(document: dict[str, Any]) -> None:
    for operation in operations(document):
        assert len(operation["tags"]) == 1
        assert operation["summary"]
        assert operation["description"]


def test_every_query_documents_its_errors(document: dict[str, Any]) -> None:
    for operation in operations(document):
        responses = operation["responses"]
        is_public = operation["operationId"] == "public_query"
        if "requestBody" in operation and not is_public:
            is_change = operation["operationId"] in ("add", "delete")
            own = {"202", "403", "409"} if is_change else {"200"}
            assert responses.keys() == {*own, "401", "404", "413", "422", "429", "500", "503"}
        for status, response in responses.items():
            if status not in ("200", "202") and not (is_public and status == "400"):
                assert response["content"].keys() == {"application/problem+json"}


def test_every_body_and_response_has_an_example(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for operation in operations(document):
        contents = [operation["requestBody"]["content"]] if "requestBody" in operation else []
        contents += [response["content"] for response in operation["responses"].values() if "content" in response]
        for media_type, content in ((m, c) for each in contents for m, c in each.items() if "json" in m):
            reference = content["schema"].get("$ref", "")
            examples = schemas[reference.split("/")[-1]]["examples"] if reference else [content["example"]]
            assert examples, (operation["operationId"], media_type)


@pytest.mark.parametrize("model", [*MODELS, *BATCHES.values()], ids=lambda model: model.__name__)
def test_examples_fit_their_models(model: type[BaseModel]) -> None:
    for example in model.model_json_schema().get("examples", []):
        made = model.model_validate(example)
        assert made.model_dump(exclude_unset=True) == example


def test_the_served_document_has_the_numbers_of_the_server(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    question, search = schemas["InfgramRequest"]["properties"], schemas["SearchRequest"]["properties"]
    assert question["query"]["maxLength"] == LIMITS.query_characters
    assert question["token_ids"]["maxItems"] == LIMITS.query_tokens
    assert question["top_k"]["anyOf"][0] == {"type": "integer", "minimum": 1, "maximum": LIMITS.top_k}
    assert search["limit"]["maximum"] == LIMITS.documents
    assert schemas["CountBatch"]["properties"]["items"]["maxItems"] == LIMITS.batch_items
    assert "x-limit" not in str(document)
    assert schemas["CountRequest"]["oneOf"] == [{"required": ["query"]}, {"required": ["token_ids"]}]


def names_in(schema: Any, schemas: dict[str, Any], seen: set[str]) -> Iterator[str]:
    """Yield the names of all fields of a schema, and of those that it refers to."""
    if isinstance(schema, list):
        for each in schema:
            yield from names_in(each, schemas, seen)
    if not isinstance(schema, dict):
        return
    reference = str(schema.get("$ref", "")).rpartition("/")[2]
    if reference and reference not in seen:
        seen.add(reference)
        yield from names_in(schemas[reference], schemas, seen)
    yield from schema.get("properties", {})
    for each in schema.values():
        yield from names_in(each, schemas, seen)


def test_no_request_names_a_tokenizer_or_a_file(client: TestClient) -> None:
    """A tokenizer comes from the index, never from a request, since a hostile definition can use all of the memory."""
    body = {"query": "a", "tokenizer": "/no/such/tokenizer.json"}
    problem(client.post("/v1/indexes/bytes/count", json=body), 422, "invalid_request")
    document = json.loads(COMMITTED.read_text(encoding="utf-8"))
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    bodies = [operation["requestBody"] for operation in operations if "requestBody" in operation]
    taken = {*names_in(bodies, document["components"]["schemas"], set())}
    parameters = [each for operation in operations for each in operation.get("parameters", [])]
    taken |= {each["name"] for each in parameters if each["in"] == "query"}
    assert taken >= {"query", "max_support", "clauses", "whole"}, "bodies, that of POST /, nested fields, parameters"
    assert {name for name in taken if "tokenizer" in name or "path" in name or "file" in name} == set()
