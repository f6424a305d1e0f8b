"""The documented requests of the public API give the responses of infini-gram's engine for the same tokens."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from infgram.service import Settings, create_app

import infgram
from tests.service.conftest import answered

# Written by benchmarks/replay.py, which queries the engine.
GOLDEN: dict[str, Any] = json.loads((Path(__file__).parents[2] / "golden" / "public_api.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    folder = tmp_path_factory.mktemp("replay")
    (folder / "texts.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in GOLDEN["texts"]))
    infgram.build(folder / "texts.jsonl", folder / "texts.infgram", tokenizer="bytes", shard_tokens=150).close()
    with TestClient(create_app(Settings(indexes={"texts": folder / "texts.infgram"}))) as client:
        yield client


@pytest.mark.parametrize("asked", GOLDEN["asked"], ids=lambda asked: " ".join(map(str, asked["request"].values())))
def test_responses_equal_infini_gram(texts: TestClient, asked: dict[str, Any]) -> None:
    answer = answered(texts.post("/", json={"index": "texts", **asked["request"]}))
    expected = dict(asked["answer"])
    documents, counts = expected.pop("documents", None), expected.pop("counts", None)
    assert {name: answer[name] for name in expected} == expected
    if counts is not None:
        assert {token_id: row["cont_cnt"] for token_id, row in answer["result_by_token_id"].items()} == counts
    if documents is not None:  # all of them; the response is a sample
        assert len(answer["documents"]) == (asked["request"]["maxnum"] if documents else 0)
        assert all({name: found[name] for name in documents[0]} in documents for found in answer["documents"])
