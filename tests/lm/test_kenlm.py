"""Modified Kneser–Ney of order 3 and 5 equals KenLM's, to the precision of its floats.

KenLM begins each sentence with `<s>`, which it never predicts, and ends it with `</s>`. So a document is token 0, then
the words; the end of the document is `</s>`. Where KenLM shares out the last of the probability among all words,
`<unk>` is one of them and `<s>` is not; here token 0 is one, which is as many.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from infgram.lm import InfgramLM
from tests.building import token_index
from tests.strategies import Layout

GOLDEN = Path(__file__).parents[1] / "golden" / "kenlm"


@pytest.mark.parametrize("n", [3, 5])
@pytest.mark.parametrize("shards", [1, 4])
def test_kneser_ney_equals_kenlm(n: int, shards: int) -> None:
    sentences = [line.split() for line in (GOLDEN / "corpus.txt").read_text(encoding="utf-8").splitlines()]
    golden = json.loads((GOLDEN / "log10.json").read_text(encoding="utf-8"))
    words = sorted({word for sentence in sentences for word in sentence})
    ids = {word: number for number, word in enumerate(words, start=1)}
    documents = [[0, *(ids[word] for word in sentence)] for sentence in sentences]
    queries = [[0, *(ids[word] for word in query.split())] for query in golden["queries"]]
    with token_index(documents, vocab_size=len(words) + 1, layout=Layout(16, shards, 1)) as index:
        model = InfgramLM(index, "kneser_ney", n=n)
        for query, expected in zip(queries, golden[str(n)], strict=True):
            np.testing.assert_allclose(model.score(query, end=True) / math.log(10), expected, atol=2e-6)
