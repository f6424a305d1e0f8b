"""A service with three small indexes: text as bytes, text with a BPE, and token ids without a tokenizer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from infgram.service import Limits, Settings, create_app

import infgram

TEXTS = (
    "a rose is a rose is a rose",
    "natural language, natural light; natural language again",
    "<script>alert('a rose')</script> & <b>bold</b>",
    "smiles 😀 come before the rose 🌹 and after it",
    "",
    "the end",
)
TOKEN_DOCUMENTS: tuple[list[int], ...] = ([0, 1, 2, 0, 1], [1, 2, 3], [])
LIMITS = Limits(
    body_bytes=20_000,
    query_characters=2_000,
    query_tokens=1_000,
    top_k=50,
    documents=10,
    snippet_tokens=100,
    text_characters=30,
    document_size=40,
    batch_items=8,
    batch_rows=120,
    batch_documents=15,
)


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The folders of the indexes, by name."""
    home = tmp_path_factory.mktemp("served")
    lines = [json.dumps({"text": text, "number": n, "tags": ["x", None, 1.5]}) for n, text in enumerate(TEXTS)]
    (home / "texts.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    made = {"bytes": home / "bytes.infgram", "bpe": home / "bpe.infgram", "ids": home / "ids.infgram"}
    infgram.build(home / "texts.jsonl", made["bytes"], tokenizer="bytes").close()
    infgram.build(home / "texts.jsonl", made["bpe"], tokenizer="bpe:300", shard_tokens=60).close()
    infgram.build_from_tokens(TOKEN_DOCUMENTS, made["ids"], vocab_size=5).close()
    return made


@pytest.fixture(scope="session")
def app(folders: dict[str, Path]) -> FastAPI:
    """The service with narrow limits."""
    made: FastAPI = create_app(Settings(indexes=folders, limits=LIMITS))
    return made


@pytest.fixture(scope="session")
def client(app: FastAPI) -> Iterator[TestClient]:
    """A client of the running service; errors in the service become responses."""
    with TestClient(app, raise_server_exceptions=False) as opened:
        yield opened


@pytest.fixture(scope="session", params=["bytes", "bpe"])
def index(request: pytest.FixtureRequest, folders: dict[str, Path]) -> Iterator[infgram.Index]:
    """The index of texts, opened directly."""
    with infgram.open(folders[request.param]) as opened:
        yield opened


@pytest.fixture(scope="session")
def address(index: infgram.Index) -> str:
    """The path of the same index in the service."""
    return f"/v1/indexes/{index.paths[0].stem}"


def answered(response: Any) -> dict[str, Any]:
    """Return the body of a successful response."""
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


def problem(response: Any, status: int, code: str) -> dict[str, Any]:
    """Return the problem document of an error, after checking its common fields."""
    assert (response.status_code, response.headers["content-type"]) == (status, "application/problem+json"), (
        response.text
    )
    body: dict[str, Any] = response.json()
    assert body.keys() == {"type", "title", "status", "code", "detail", "errors"}
    assert (body["type"], body["status"], body["code"]) == ("about:blank", status, code)
    return body
