"""Novelty against the reference."""

from __future__ import annotations

import math

import pytest
from hypothesis import given

import infgram
from tests.building import token_index, union_index
from tests.reference import ReferenceIndex
from tests.strategies import Asked, Layout, Tokens, asked_corpora, layouts


def check(found: infgram.Novelty, reference: ReferenceIndex, texts: list[Tokens], max_n: int) -> None:
    assert found.suffix_lengths.tolist() == [length for text in texts for length in reference.ending_lengths(text)]
    assert found.n_tokens == sum(map(len, texts))
    for n in range(1, max_n + 1):
        seen = [is_seen for text in texts for is_seen in reference.seen_n_grams(text, n)]
        assert (found.n_grams[n - 1], found.n_novel[n - 1]) == (len(seen), seen.count(False))
        share = found.curve[n - 1]
        assert math.isnan(share) if not seen else share == seen.count(False) / len(seen)


@given(asked_corpora(), layouts)
def test_any_corpus(asked: Asked, layout: Layout) -> None:
    corpus, texts = asked.corpus, asked.queries[-6:]
    reference = ReferenceIndex(corpus.documents, corpus.vocab_size)
    with token_index(corpus.documents, vocab_size=corpus.vocab_size, layout=layout) as index:
        for max_n in (1, 4, 40):
            parts = list(infgram.novelty_batch(index, texts, max_n=max_n))
            for part, text in zip(parts, texts, strict=True):
                check(part, reference, [text], max_n)
                check(infgram.novelty(index, text, max_n=max_n), reference, [text], max_n)
            check(infgram.Novelty.total(parts), reference, texts, max_n)


def test_texts_over_a_union() -> None:
    documents = ["to be or not", "to be", "", "é漢"]
    with union_index([documents[:2], documents[2:]]) as index:
        reference = ReferenceIndex([list(text.encode()) for text in documents], 255)
        for text in ("not to be é", "", "漢"):
            check(infgram.novelty(index, text), reference, [list(text.encode())], 10)


def test_a_batch_computes_only_the_requested_sizes() -> None:
    with token_index([[1, 2, 3]], vocab_size=9) as index:
        taken = []

        def texts() -> list[Tokens]:
            return [[1], [9]]  # the second is outside the vocabulary

        batch = infgram.novelty_batch(index, texts())
        taken.append(next(batch))
        with pytest.raises(infgram.QueryError):
            next(batch)
        assert taken[0].n_tokens == 1


def test_invalid_arguments() -> None:
    with token_index([[1, 2, 3]], vocab_size=9) as index:
        with pytest.raises(infgram.QueryError, match="max_n"):
            infgram.novelty(index, [1], max_n=0)
        with pytest.raises(infgram.QueryError, match="holds no tokenizer"):
            infgram.novelty(index, "text")
        with pytest.raises(infgram.TimeLimitError):
            infgram.novelty(index, [1], timeout_s=1e-9)
        assert infgram.Novelty.total([]).n_tokens == 0
