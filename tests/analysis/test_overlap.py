"""Compare overlap with the reference, and the verdicts with the definitions of the rules."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, strategies as st

import infgram
from infgram.analysis.rules import Measure
from tests.building import token_index, union_index
from tests.reference import ReferenceIndex
from tests.strategies import Asked, Layout, Tokens, asked_corpora, layouts

SIZES = (1, 2, 3, 5, 13)


def check_size(found: infgram.SizeOverlap, reference: ReferenceIndex, tokens: Tokens) -> None:
    seen = reference.seen_n_grams(tokens, found.n)
    starts = [start for start, is_seen in enumerate(seen) if is_seen]
    covered = {place for start in starts for place in range(start, start + found.n)}
    assert (found.n_grams, found.n_seen) == (len(seen), len(starts))
    assert (found.n_covered, found.n_tokens) == (len(covered), len(tokens))
    assert found.share == (len(starts) / len(seen) if seen else 0)
    assert found.token_share == (len(covered) / len(tokens) if tokens else 0)


@given(asked_corpora(), layouts, st.sampled_from(SIZES), st.sampled_from([0, 0.25, 0.5, 1]), st.booleans())
def test_any_corpus(asked: Asked, layout: Layout, n: int, threshold: float, by_tokens: bool) -> None:
    corpus, items = asked.corpus, asked.queries
    reference = ReferenceIndex(corpus.documents, corpus.vocab_size)
    measure: Measure = "tokens" if by_tokens else "n_grams"
    with token_index(corpus.documents, vocab_size=corpus.vocab_size, layout=layout) as index:
        overlap = infgram.overlap(index, items, n=n, threshold=threshold, measure=measure, sizes=SIZES)
        found = list(overlap)
    for item, tokens in zip(found, items, strict=True):
        assert item.n_tokens == len(tokens)
        assert [size.n for size in item.sizes] == list(SIZES)
        for size in item.sizes:
            check_size(size, reference, tokens)
        deciding = item.size(n)
        share = deciding.token_share if by_tokens else deciding.share
        assert item.is_contaminated == (deciding.n_seen > 0 and share >= threshold)
        lengths = [length for length, _ in reference.longest_matches(tokens)]
        assert item.longest_length == max(lengths, default=0)
        assert item.longest_start == (lengths.index(max(lengths)) if lengths else 0)
    total = overlap.total
    assert (total.n_items, total.n_tokens) == (len(items), sum(map(len, items)))
    assert total.n_contaminated == sum(item.is_contaminated for item in found)
    assert total.n_short == sum(len(tokens) < n for tokens in items)
    assert total.longest_length == max(item.longest_length for item in found)
    for place, size in enumerate(total.sizes):
        for name in ("n_grams", "n_seen", "n_covered", "n_tokens"):
            assert getattr(size, name) == sum(getattr(item.sizes[place], name) for item in found)


def test_texts_over_a_union() -> None:
    with union_index([["to be or not to be, that is the question"], ["é漢 whatever"]]) as index:
        overlap = infgram.overlap(index, ["that is the question", "that is no question", "é漢", ""])
        assert [item.is_contaminated for item in overlap] == [True, False, False, False]
        assert overlap.total.n_short == 2


def test_items_are_consumed_lazily() -> None:
    taken = []

    def items() -> Iterator[Tokens]:
        for token in (1, 2, 9):
            taken.append(token)
            yield [token]

    with token_index([[1, 2, 3]], vocab_size=9) as index:
        overlap = infgram.overlap(index, items(), n=1)
        assert taken == []
        assert next(overlap).is_contaminated
        assert (taken, overlap.total.n_items) == ([1], 1)
        next(overlap)
        with pytest.raises(infgram.QueryError, match="vocabulary"):
            next(overlap)


def test_invalid_arguments() -> None:
    with token_index([[1, 2, 3]], vocab_size=9) as index:
        for options in (
            {"n": 0},
            {"threshold": 1.5},
            {"threshold": float("nan")},
            {"measure": "words"},
            {"sizes": [0]},
        ):
            with pytest.raises(infgram.QueryError):
                infgram.overlap(index, [], **options)
        with pytest.raises(infgram.TimeLimitError):
            next(infgram.overlap(index, [[1]], timeout_s=1e-9))
