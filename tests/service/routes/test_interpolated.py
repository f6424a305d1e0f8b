"""The next token according to a mixture of the index and a neural model."""

from __future__ import annotations

import math
import shutil
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


def test_a_model_is_loaded_again_only_if_it_changed(
    folders: dict[str, Path], model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new state of the index is mixed with the model that is loaded; other files and another tokenizer are not."""
    loaded = []
    load = InterpolatedLM.from_pretrained

    def count(*arguments: Any, **options: Any) -> InterpolatedLM:
        loaded.append(arguments[0])
        return load(*arguments, **options)

    monkeypatch.setattr(InterpolatedLM, "from_pretrained", count)
    index, copy = shutil.copytree(folders["bytes"], tmp_path / "x"), shutil.copytree(model, tmp_path / "model")
    settings = Settings(indexes={"x": index}, models={"x": NeuralModel(folder=copy, tokenizer="index")})
    with TestClient(create_app(settings)) as client:

        def changed() -> list[dict[str, Any]]:
            infgram.add(index, tmp_path / "more.jsonl")
            assert answered(client.post("/v1/admin/reload"))["reloaded"] == ["x"]
            found: list[dict[str, Any]] = answered(client.post("/v1/indexes/x/interpolated", json={"query": "a "}))[
                "rows"
            ]
            return found

        (tmp_path / "more.jsonl").write_text('{"text": "a zebra, a zebra, a zebra"}\n' * 50)
        before = answered(client.post("/v1/indexes/x/interpolated", json={"query": "a "}))["rows"]
        after = changed()
        assert (before[0]["token"], after[0]["token"], loaded) == ("r", "z", [copy])
        with infgram.open(index) as opened:
            expected = load(copy, opened, tokenizer="index").distribution("a ")
        assert [row["log_prob"] for row in after] == pytest.approx(np.log(np.sort(expected)[::-1][: len(after)]))
        other = tiny_llama(vocab_size=255)
        for parameters in other.parameters():
            parameters.data.neg_()
        other.save_pretrained(copy)
        assert changed() != after
        assert loaded == [copy, copy]
        infgram.build(tmp_path / "more.jsonl", index, tokenizer="bpe:300", overwrite=True).close()
        assert client.post("/v1/admin/reload").status_code == 503  # its vocabulary is larger than that of the model
        assert loaded == [copy] * 3


def test_an_invalid_model(folders: dict[str, Path], tmp_path: Path) -> None:
    settings = Settings(indexes={"bytes": folders["bytes"]}, models={"bytes": NeuralModel(folder=tmp_path / "none")})
    with pytest.raises(infgram.InfgramError), TestClient(create_app(settings)):
        pass
    with pytest.raises(infgram.InfgramError):
        run(settings)


def test_a_model_without_an_index(folders: dict[str, Path], model: Path) -> None:
    with pytest.raises(ValidationError, match="unknown index byte; the indexes are bytes"):
        Settings(indexes={"bytes": folders["bytes"]}, models={"byte": NeuralModel(folder=model)})
