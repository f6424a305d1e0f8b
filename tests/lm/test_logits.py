"""Compare the logits processor with the interpolated distributions at each position."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from infgram.errors import QueryError
from infgram.lm import InfgramLM, Interpolator
from infgram.lm.transformers import InfgramLogitsProcessor
from infgram.types import Float64Array
from tests.building import token_index
from tests.lm.mixture_inputs import random_inputs
from tests.lm.test_transformers import VOCAB, tiny_llama
from tests.reference import ReferenceIndex

DOCUMENTS = [[2, 3, 4, 2, 3, 5], [], [2, 3, 4, 4, 3], [7, 8, 9, 10, 11] * 3]
END = 1


def infgram_row(reference: ReferenceIndex, context: list[int]) -> Float64Array:
    """Return the probabilities of the ∞-gram; that of the end of the document is added to the token `END`."""
    rows = reference.infgram_distribution(context)
    probabilities = np.zeros(VOCAB)
    for token, count in zip(rows.token_ids, rows.counts, strict=True):
        probabilities[END if token < 0 else token] += count / rows.context_count
    return probabilities


@pytest.mark.parametrize("as_log_probs", [False, True])
@pytest.mark.parametrize("padded_by", [0, 4])
def test_it_mixes_distributions(as_log_probs: bool, padded_by: int) -> None:
    reference = ReferenceIndex(DOCUMENTS, VOCAB)
    contexts = [[0, 0, 2, 3], [0, 5, 2, 3], [7, 8, 9, 10], [6, 6, 6, 6], [0, 0, 0, 0]]
    torch.manual_seed(0)
    scores = torch.randn(len(contexts), VOCAB + padded_by)
    scores[1, 4] = -torch.inf
    if as_log_probs:
        scores = scores.log_softmax(-1)
    before = scores.clone()
    weights = Interpolator.fixed({"infgram": 0.25, "neural": 0.75})
    with token_index(DOCUMENTS, vocab_size=VOCAB) as index:
        models = {"infgram": InfgramLM(index, end_token=END)}
        processor = InfgramLogitsProcessor(index, models, weights, pad_token=0)
        found = processor(as_ids(contexts), scores)  # type: ignore[arg-type]
    assert torch.equal(scores, before)
    assert found.shape == scores.shape
    assert found.dtype == scores.dtype
    neural = torch.softmax(scores[:, :VOCAB].double(), -1).numpy()
    for row, context in enumerate(contexts):
        expected = 0.25 * infgram_row(reference, [token for token in context if token]) + 0.75 * neural[row]
        expected[np.isneginf(scores[row, :VOCAB].numpy())] = 0
        np.testing.assert_allclose(found[row, :VOCAB].exp().numpy(), expected, rtol=1e-5)
        assert torch.isneginf(found[row, VOCAB:]).all()


def test_weights_by_class_of_each_context() -> None:
    inputs = random_inputs(0, n_models=2)
    weights = Interpolator.fit(inputs, by="sparse", models=["model 0", "model 1"])
    assert inputs.suffixes is not None
    by_sparse = dict(zip((inputs.suffixes.n_distinct == 1).tolist(), weights.weights(inputs).tolist(), strict=True))
    reference = ReferenceIndex(DOCUMENTS, VOCAB)
    contexts = [[7, 8], [2, 3], [3, 6]]
    scores = torch.zeros(len(contexts), VOCAB)
    with token_index(DOCUMENTS, vocab_size=VOCAB) as index:
        models = {"model 0": InfgramLM(index, end_token=END)}
        found = InfgramLogitsProcessor(index, models, weights, neural="model 1")(as_ids(contexts), scores)  # type: ignore[arg-type]
    for row, context in enumerate(contexts):
        own, other = by_sparse[reference.infgram_distribution(context).is_sparse]
        expected = own * infgram_row(reference, context) + other / VOCAB
        np.testing.assert_allclose(found[row].exp().numpy(), expected, rtol=1e-5)


def test_generate_follows_the_index() -> None:
    model = tiny_llama()
    with token_index(DOCUMENTS, vocab_size=VOCAB) as index:
        models = {"infgram": InfgramLM(index, end_token=END)}
        processor = InfgramLogitsProcessor(index, models, Interpolator.fixed({"neural": 0.001, "infgram": 0.999}))
        options: dict[str, Any] = {"max_new_tokens": 20, "do_sample": False, "pad_token_id": 0}
        written = model.generate(torch.tensor([[2, 3, 4, 4]]), logits_processor=[processor], **options)
    assert written.tolist() == [[2, 3, 4, 4, 3, END]]


def test_invalid_arguments() -> None:
    with token_index(DOCUMENTS, vocab_size=VOCAB) as index:
        models = {"infgram": InfgramLM(index)}
        with pytest.raises(QueryError, match="the interpolator mixes a, neural; the given models are neural, infgram"):
            InfgramLogitsProcessor(index, models, Interpolator.fixed({"a": 0.5, "neural": 0.5}))
        gate = Interpolator.fit(random_inputs(0), by="gate")
        with pytest.raises(QueryError, match="a gate cannot be used for generation"):
            InfgramLogitsProcessor(index, models, gate)


def as_ids(contexts: list[list[int]]) -> torch.Tensor:
    return torch.tensor(contexts, dtype=torch.long)
