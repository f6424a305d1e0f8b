"""Queries, plain texts, and syntax errors."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from infgram import Cnf, QueryError


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        ("a", [["a"]]),
        ("  a  b\n", [["  a  b\n"]]),
        ('print("a")', [['print("a")']]),
        ('"a b"', [['"a b"']]),
        ("(a or b) and c", [["(a or b) and c"]]),
        ("ANDROID ORDER xAND ANDx AND-OR", [["ANDROID ORDER xAND ANDx AND-OR"]]),
        ("", [[""]]),
        ("a AND b", [["a"], ["b"]]),
        ("  a   b  AND\n c ", [["a   b"], ["c"]]),
        ("a AND b AND a", [["a"], ["b"], ["a"]]),
        ("a OR b OR c", [["a", "b", "c"]]),
        ("a AND (b OR c) AND d", [["a"], ["b", "c"], ["d"]]),
        ("(a OR b)AND(c)", [["a", "b"], ["c"]]),
        ("(a OR b) OR c", [["a", "b", "c"]]),
        ("(AND-OR AND x) ", None),
        ('" a" AND b', [[" a"], ["b"]]),
        ('"a AND b"', [["a AND b"]]),
        ('"a OR b" AND "(c)"', [["a OR b"], ["(c)"]]),
        (r'"a \"b\" \\" AND \n', [['a "b" \\'], [r"\n"]]),
        (r'"a\n\"" AND "\\"', [['a\\n"'], ["\\"]]),
        ("größer AND 漢字", [["größer"], ["漢字"]]),
    ],
)
def test_texts(text: str, clauses: list[list[str]] | None) -> None:
    if clauses is None:
        with pytest.raises(QueryError):
            Cnf.parse(text)
    else:
        assert Cnf.parse(text) == Cnf(clauses)


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("AND", 0, "expected a term, found AND"),
        ("a AND", 5, "expected a term, found the end"),
        ("AND a", 0, "expected a term"),
        ("a AND OR b", 6, "expected a term, found OR"),
        ("a AND b OR c", 8, "parentheses around the OR"),
        ("a OR b AND c", 7, "parentheses around the OR"),
        ("a AND (b AND c)", 9, "closing parenthesis, found AND"),
        ("a AND (b OR c", 13, "closing parenthesis, found the end"),
        ("a AND b)", 7, "expected AND or OR, found )"),
        ("a AND ((b))", 7, "expected a term, found ("),
        ("a AND ()", 7, "expected a term, found )"),
        ('a AND ""', 6, "expected a term, found ''"),
        ("f(x) AND b", 1, "expected AND or OR, found ("),
        ('he "said AND b', 3, "without its partner"),
        ('"a" b AND c', 4, "expected AND or OR, found 'b'"),
    ],
)
def test_errors_name_the_position(text: str, place: int, words: str) -> None:
    with pytest.raises(QueryError) as raised:
        Cnf.parse(text)
    assert words in str(raised.value)
    assert f"at character {place}." in str(raised.value)


@given(st.lists(st.lists(st.text(st.sampled_from(' "\\()ANDORabé\n'), min_size=1), min_size=1), min_size=1))
def test_any_terms_can_be_quoted(clauses: list[list[str]]) -> None:
    quoted = [[f'"{term}"' for term in map(_escaped, terms)] for terms in clauses]
    text = " AND ".join(f"({' OR '.join(terms)})" for terms in quoted)
    assert Cnf.parse(f"{text} AND x") == Cnf([*clauses, ["x"]])


def _escaped(term: str) -> str:
    return term.replace("\\", "\\\\").replace('"', '\\"')


@given(st.text(st.sampled_from('ANDORab ()"\\'), max_size=30))
def test_any_text_is_a_query_or_an_error(text: str) -> None:
    with suppress(QueryError):
        cnf = Cnf.parse(text)
        assert cnf == Cnf([[text]]) or all(terms and all(terms) for terms in cnf.clauses)


def test_cnf_is_a_value() -> None:
    cnf = Cnf([[[1, 2]], [np.array([3]), (4,)]])
    assert cnf == Cnf((([1, 2],), ((3,), [4]))) != Cnf([[[1, 2]], [[3]]])
    assert len({cnf, Cnf([[[1, 2]], [[3], [4]]])}) == 1
    wrong: Any
    for wrong in ([], [[]], [["a"], []], ["ab"], "ab"):
        with pytest.raises(QueryError):
            Cnf(wrong)
