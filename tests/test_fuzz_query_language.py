"""Random queries with AND and OR: a query in conjunctive normal form, or a QueryError, in linear time."""

from __future__ import annotations

import random
from collections.abc import Callable
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


def test_random_queries(record_property: Callable[[str, object], None]) -> None:
    record_property("tried", fuzz(parse_random, (QueryError,), n=5000))


@pytest.mark.torture
def test_random_queries_for_long(budget_s: float, record_property: Callable[[str, object], None]) -> None:
    record_property("tried", fuzz(parse_random, (QueryError,), seconds=budget_s))
