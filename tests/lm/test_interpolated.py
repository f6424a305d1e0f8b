"""Compare a neural model interpolated with models of an index with the single models."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from infgram.errors import QueryError
from infgram.lm import InfgramLM, Interpolator
from infgram.lm.transformers import InterpolatedLM, TransformersLM
from tests.building import token_index
from tests.lm.test_transformers import VOCAB, tiny_gpt2, tiny_llama

DOCUMENTS = [[2, 3, 4, 2, 3, 5], [], [2, 3, 4, 4, 3], [7, 8, 9, 10, 11] * 3]
CONTEXTS = [[2, 3], [5, 2, 3], [7, 8, 9, 10] * 20, [6]]


@pytest.mark.parametrize("context", CONTEXTS)
def test_a_neural_distribution(context: list[int]) -> None:
    model = tiny_llama()
    found = TransformersLM(model, VOCAB).distribution(np.array(context))
    with torch.inference_mode():
        expected = model(torch.tensor([context[-64:]])).logits[0, -1].double().softmax(-1).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_a_model_with_a_begin_token() -> None:
    neural = TransformersLM(tiny_gpt2(), VOCAB)
    found = neural.distribution(np.array([], dtype=np.int64))
    with torch.inference_mode():
        expected = neural.model(torch.tensor([[0]])).logits[0, -1, :VOCAB].double().softmax(-1).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    with pytest.raises(QueryError, match="empty"):
        TransformersLM(tiny_llama(), VOCAB).distribution(np.array([], dtype=np.int64))
    with pytest.raises(QueryError, match="vocabulary"):
        neural.distribution(np.array([VOCAB]))


@pytest.mark.parametrize("context", CONTEXTS)
def test_it_mixes_distributions(context: list[int]) -> None:
    neural = TransformersLM(tiny_llama(), VOCAB)
    with token_index(DOCUMENTS, vocab_size=VOCAB) as index:
        own = {"infgram": InfgramLM(index, end_token=1), "ppm": InfgramLM(index, "ppm", end_token=1)}
        mixture = Interpolator.fixed({"infgram": 0.25, "neural": 0.5, "ppm": 0.25})
        found = InterpolatedLM(neural, index, mixture).distribution(context)
        halves = InterpolatedLM(neural, index).distribution(np.array(context))
        smooth = InfgramLM(index, "witten_bell", end_token=1).distribution(context)
        expected = 0.25 * (own["infgram"].distribution(context) + own["ppm"].distribution(context))
    alone = neural.distribution(np.array(context))
    np.testing.assert_allclose(found, expected + 0.5 * alone, rtol=1e-9)
    np.testing.assert_allclose(halves, 0.5 * smooth + 0.5 * alone, rtol=1e-9)


def test_saved_weights(tmp_path: Path) -> None:
    tiny_llama().save_pretrained(tmp_path / "model")
    Interpolator.fixed({"neural": 1.0}).save(tmp_path / "weights.json")
    Interpolator.fixed({"neural": 0.5, "other": 0.5}).save(tmp_path / "others.json")
    with token_index(DOCUMENTS, vocab_size=VOCAB) as index:
        model = InterpolatedLM.from_pretrained(
            tmp_path / "model", index, weights=tmp_path / "weights.json", tokenizer="index"
        )
        expected = TransformersLM(tiny_llama(), VOCAB).distribution(np.array([2, 3]))
        np.testing.assert_allclose(model.distribution([2, 3]), expected, rtol=1e-6)
        with pytest.raises(QueryError, match="unknown models: other"):
            InterpolatedLM.from_pretrained(
                tmp_path / "model", index, weights=tmp_path / "others.json", tokenizer="index"
            )
