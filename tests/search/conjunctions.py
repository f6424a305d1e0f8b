"""Strategies for ANDs of ORs: numbers that select among the queries of a corpus."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.strategies import Asked, Tokens

Clauses = list[list[Tokens]]
Numbers = list[list[int]]

DISTANCES = (None, 0, 1, 2, 5, 100)

conjunctions = st.lists(
    st.tuples(
        st.lists(st.lists(st.integers(0, 47), min_size=1, max_size=3), min_size=1, max_size=4),
        st.sampled_from(DISTANCES),
    ),
    min_size=1,
    max_size=12,
)


def clauses_of(numbers: Numbers, asked: Asked) -> Clauses:
    """Return clauses of non-empty queries of the corpus; short queries are more likely."""
    terms = sorted((query for query in asked.queries if query), key=len)
    return [[terms[number * number // 48 % len(terms)] for number in clause] for clause in numbers]
