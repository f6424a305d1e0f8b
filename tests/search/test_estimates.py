"""Estimates: exact where possible, otherwise with intervals of the stated coverage."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator

import pytest
from hypothesis import given, strategies as st

import infgram
from infgram.search.interval import share_interval
from tests.building import token_index
from tests.reference import ReferenceIndex
from tests.search.conjunctions import Numbers, clauses_of, conjunctions
from tests.search.test_search import scope_of
from tests.strategies import Asked, Layout, asked_corpora, layouts

RUNS = 200


@given(asked_corpora(), layouts, conjunctions, st.integers(1, 40), st.integers(0, 2**64 - 1))
def test_every_estimate_is_consistent(
    asked: Asked, layout: Layout, drawn: list[tuple[Numbers, int | None]], max_matches: int, seed: int
) -> None:
    corpus, _ = asked
    reference = ReferenceIndex(corpus.documents, corpus.vocab_size)
    with token_index(corpus.documents, vocab_size=corpus.vocab_size, layout=layout) as index:
        for numbers, max_distance in drawn:
            clauses = clauses_of(numbers, asked)
            cnf, scope = infgram.Cnf(clauses), scope_of(max_distance)
            found = index.search(cnf, limit=1_000, max_matches=max_matches, seed=seed, **scope)
            assert found == index.search(cnf, limit=1_000, max_matches=max_matches, seed=seed, **scope)
            count = len(reference.occurrences(clauses, max_distance))
            documents = reference.search(clauses, max_distance=max_distance, limit=1_000)
            rarest = min(len(reference.occurrences([terms])) for terms in clauses)
            assert found.is_exact == (rarest <= max_matches)
            if found.is_exact:
                assert (found.count, found.document_count) == (count, len(documents))
                continue
            assert found.count_interval is not None
            assert found.document_count_interval is not None
            assert found.count_interval[0] <= found.count <= found.count_interval[1]
            assert found.document_count_interval[0] <= found.document_count <= found.document_count_interval[1]
            assert len(clauses) > 1 or found.count == count
            assert {hit.document_id: hit.match_count for hit in found}.items() <= {
                document_id: len(offsets) for document_id, offsets in documents.items()
            }.items()


@pytest.fixture(scope="module")
def skewed() -> Iterator[tuple[infgram.Index, ReferenceIndex]]:
    """Documents of very different sizes, with clustered tokens."""
    chance = random.Random(11)
    documents = []
    for _ in range(150):
        weights = [chance.random() ** 4 for _ in range(6)]
        documents.append(chance.choices(range(6), weights, k=int(chance.paretovariate(0.9) * 4) % 700))
    reference = ReferenceIndex(documents, 6)
    with token_index(documents, vocab_size=6, layout=Layout(8, 3, 2)) as index:
        yield index, reference


@pytest.mark.parametrize("max_distance", [None, 2])
@pytest.mark.parametrize("clauses", [[[[0]]], [[[0]], [[1]]], [[[0], [1, 2]], [[3, 3], [4]], [[5]]]])
def test_intervals_have_the_stated_coverage(
    skewed: tuple[infgram.Index, ReferenceIndex], clauses: list[list[list[int]]], max_distance: int | None
) -> None:
    """The coverage is at least 95%; the expected number of 200 runs is 190 with a standard deviation of 3."""
    index, reference = skewed
    count = len(reference.occurrences(clauses, max_distance))
    document_count = len(reference.search(clauses, max_distance=max_distance, limit=1_000))
    held = documents_held = total = documents_total = 0
    for seed in range(RUNS):
        found = index.search(infgram.Cnf(clauses), limit=0, max_matches=60, seed=seed, **scope_of(max_distance))
        assert found.count_interval is not None
        assert found.document_count_interval is not None
        held += found.count_interval[0] <= count <= found.count_interval[1]
        documents_held += found.document_count_interval[0] <= document_count <= found.document_count_interval[1]
        total += found.count
        documents_total += found.document_count
    assert held >= 0.93 * RUNS
    assert documents_held >= 0.93 * RUNS
    assert total / RUNS == pytest.approx(count, rel=0.05)
    assert documents_total / RUNS == pytest.approx(document_count, rel=0.15)


def test_a_larger_sample_is_more_accurate(skewed: tuple[infgram.Index, ReferenceIndex]) -> None:
    index, _ = skewed
    widths = []
    for max_matches in (5, 30, 120):
        found = index.search(infgram.Cnf([[[0]], [[1]]]), max_matches=max_matches, limit=0, max_distance=2)
        assert found.count_interval is not None
        widths.append(found.count_interval[1] - found.count_interval[0])
    assert widths == sorted(widths, reverse=True)
    assert widths[0] > 2 * widths[-1]


@pytest.mark.parametrize(
    ("n_hits", "n_drawn", "low", "high"),
    [
        (0, 10, 0.0, 0.3084971),
        (10, 10, 0.6915029, 1.0),
        (1, 1, 0.025, 1.0),
        (5, 20, 0.0865715, 0.4910459),
        (50, 100, 0.3983211, 0.6016789),
    ],
)
def test_known_intervals(n_hits: int, n_drawn: int, low: float, high: float) -> None:
    assert list(share_interval(n_hits, n_drawn)) == pytest.approx([low, high], abs=1e-7)


@given(st.integers(1, 300), st.integers(0, 300))
def test_intervals_by_the_binomial_sum(n_drawn: int, n_hits: int) -> None:
    """P(X ≥ n_hits) = 2.5% at the lower bound, P(X ≤ n_hits) = 2.5% at the upper."""
    n_hits %= n_drawn + 1
    low, high = share_interval(n_hits, n_drawn)

    def chance(share: float, hits: range) -> float:
        return math.fsum(math.comb(n_drawn, k) * share**k * (1 - share) ** (n_drawn - k) for k in hits)

    assert low == 0 if n_hits == 0 else chance(low, range(n_hits, n_drawn + 1)) == pytest.approx(0.025, rel=1e-6)
    assert high == 1 if n_hits == n_drawn else chance(high, range(n_hits + 1)) == pytest.approx(0.025, rel=1e-6)


def test_intervals_of_large_samples() -> None:
    low, high = share_interval(250_000, 1_000_000)
    assert low == pytest.approx(0.25 - 1.96 * math.sqrt(0.25 * 0.75 / 1e6), abs=1e-5)
    assert high == pytest.approx(0.25 + 1.96 * math.sqrt(0.25 * 0.75 / 1e6), abs=1e-5)
