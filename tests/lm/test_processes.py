"""Language models over an index in other processes: after a fork, and pickled."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import infgram
from infgram.lm import DocumentCache, InfgramLM, Interpolator, MixtureInputs, suffix_features
from infgram.lm.models.infgram_lm import SMOOTHINGS
from tests.building import token_index
from tests.children import in_children, round_trip

DOCUMENTS = [[1, 2, 3, 1, 2, 4], [2, 3, 1], [4, 4, 1, 2, 3]] * 3
TEXT = [1, 2, 3, 4, 1, 2]

pytestmark = pytest.mark.filterwarnings("ignore:.*use of fork.*:DeprecationWarning")


@pytest.fixture
def index() -> Iterator[infgram.Index]:
    with token_index(DOCUMENTS, vocab_size=6) as built:
        yield built


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
def test_a_model_is_pickled_as_its_index_and_options(index: infgram.Index, smoothing: Any) -> None:
    model = InfgramLM(index, smoothing, n=4, min_count=2, end_token=5)
    other = round_trip(model)
    assert (other.smoothing, other.n, other.end_token) == (smoothing, 4, 5)
    np.testing.assert_array_equal(other.score(TEXT), model.score(TEXT))
    first, second = round_trip((model, model))
    assert first is second
    both = round_trip((InfgramLM(index), InfgramLM(index, "ppm")))
    assert both[0].index is both[1].index  # one index is opened once


def test_a_model_after_a_fork(index: infgram.Index) -> None:
    model = InfgramLM(index, "kneser_ney")
    wanted = model.score(TEXT).tolist()
    assert in_children(lambda _: model.score(TEXT).tolist(), 3) == [wanted] * 3


@pytest.mark.parametrize("by", ["one", "class", "gate"])
def test_an_interpolator_is_pickled(index: infgram.Index, by: Any) -> None:
    models = {"a": InfgramLM(index, "witten_bell"), "b": InfgramLM(index, "ppm")}
    scores = {name: model.evaluate(DOCUMENTS) for name, model in models.items()}
    inputs = MixtureInputs(scores, suffixes=suffix_features(index, DOCUMENTS))
    mixture = Interpolator.fit(inputs, by=by)
    other, same_inputs = round_trip((mixture, inputs))
    np.testing.assert_array_equal(other.weights(same_inputs), mixture.weights(inputs))


def test_a_document_cache_is_pickled() -> None:
    cache = DocumentCache(6, order=2)
    other = round_trip(cache)
    np.testing.assert_array_equal(
        other.evaluate([np.array(TEXT)]).log_probs, cache.evaluate([np.array(TEXT)]).log_probs
    )
