"""The next token according to a mixture of the index and a neural model."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from infgram.service import Settings, create_app, run
from infgram.service.settings import NeuralModel
from pydantic import ValidationError

import infgram
from infgram.lm.transformers import InterpolatedLM
from tests.lm.test_transformers import tiny_llama
from tests.service.conftest import answered, problem

AT = "/v1/indexes/bytes/interpolated"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    tiny_llama(vocab_size=255).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def mixed(folders: dict[str, Path], model: Path) -> Iterator[TestClient]:
    indexes = {name: folders[name] for name in ("bytes", "ids")}
    with TestClient(
        create_app(Settings(indexes=indexes, models={"bytes": NeuralModel(folder=model, tokenizer="index")}))
    ) as client:
        yield client


@pytest.mark.parametrize("body", [{"query": "a rose"}, {"token_ids": [97, 32], "top_k": 3}])
def test_the_likeliest_tokens(mixed: TestClient, folders: dict[str, Path], model: Path, body: dict[str, Any]) -> None:
    found = answered(mixed.post(AT, json=body))
    with infgram.open(folders["bytes"]) as index:
        expected = InterpolatedLM.from_pretrained(model, index, tokenizer="index").distribution(found["token_ids"])
        best = np.argsort(-expected, kind="stable")[: body.get("top_k", 20)].tolist()
        assert [row["token"] for row in found["rows"]] == index.tokenizer.tokens(best)
    assert [row["token_id"] for row in found["rows"]] == best
    assert [row["log_prob"] for row in found["rows"]] == pytest.approx([math.log(expected[i]) for i in best])


def test_a_batch(mixed: TestClient) -> None:
    found = answered(mixed.post(f"{AT}/batch", json={"items": [{"query": "a"}, {"query": ""}, {"query": 5}]}))
    assert [result.get("code") for result in found["results"]] == [None, "empty_query", "invalid_request"]


def test_an_index_without_a_model(mixed: TestClient) -> None:
    problem(mixed.post("/v1/indexes/ids/interpolated", json={"token_ids": [1]}), 422, "no_model")


def test_an_invalid_model(folders: dict[str, Path], tmp_path: Path) -> None:
    settings = Settings(indexes={"bytes": folders["bytes"]}, models={"bytes": NeuralModel(folder=tmp_path / "none")})
    with pytest.raises(infgram.InfgramError), TestClient(create_app(settings)):
        pass
    with pytest.raises(infgram.InfgramError):
        run(settings)


def test_a_model_without_an_index(folders: dict[str, Path], model: Path) -> None:
    with pytest.raises(ValidationError, match="unknown index byte; the indexes are bytes"):
        Settings(indexes={"bytes": folders["bytes"]}, models={"byte": NeuralModel(folder=model)})
