"""Random queries with AND and OR: a query in conjunctive normal form, or a QueryError, in linear time."""

from __future__ import annotations

import random
from typing import Final

import pytest

from infgram.errors import QueryError
from infgram.query_language import Cnf, holds_operator
from tests.fuzzing import fuzz

PARTS: Final = (
    "AND",
    "OR",
    " ",
    "(",
    ")",
    '"',
    "\\",
    "a",
    "rose ",
    "\n",
    "\u00e9",
    "\ud800",
    "\0",
    "and",
    "AND AND",
    "((",
    '\\"',
)


def parse_random(numbers: random.Random) -> None:
    n_parts = int(2 ** numbers.uniform(0, 9)) if numbers.random() < 0.99 else 100_000
    text = "".join(numbers.choices(PARTS, k=n_parts))
    holds_operator(text)
    cnf = Cnf.parse(text)
    assert cnf.clauses
    assert all(term and isinstance(term, str) for clause in cnf.clauses for term in clause)


@pytest.mark.parametrize(
    "n", [pytest.param(5000, id="short"), pytest.param(None, id="long", marks=pytest.mark.torture)]
)
def test_random_queries(n: int | None) -> None:
    fuzz(parse_random, (QueryError,), n=n)
