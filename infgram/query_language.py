r"""The language of a search: an AND of ORs of n-grams.

::

    query   =  clause { AND clause }      rock AND (roll OR "rhythm and blues")
    clause  =  term  |  "(" term { OR term } ")"
    term    =  words without quotation marks and parentheses; surrounding white space is removed
            |  '"' anything '"', taken literally; \" and \\ stand for a quotation mark and a backslash

A single clause needs no parentheses: `roll OR blues`. A text without AND or OR as a word in capitals is a plain text,
which is searched literally.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from infgram.arguments import several, text as checked_text
from infgram.errors import QueryError
from infgram.reprs import ShortRepr
from infgram.types import Query

_OPERATOR: Final = re.compile(r"""(?<![^\s()"])(?:AND|OR)(?![^\s()"])""")
_SPECIAL: Final = re.compile(
    rf"""(?P<special>{_OPERATOR.pattern}|[()])|"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<lonely>")""", re.DOTALL
)
_MAX_SHOWN: Final = 200  # characters of a query in an error


@dataclass(frozen=True, init=False)
class Cnf(ShortRepr):
    """A query in conjunctive normal form: the AND of clauses, each the OR of terms.

    Attributes:
        clauses: tuples of terms; a term is a text, which is encoded unchanged, or a tuple of token ids.

    Raises:
        QueryError: there is no clause, or a clause has no term.

    Examples:
        >>> Cnf([[[17, 4]], [[256], [300, 2]]])
        Cnf(clauses=(((17, 4),), ((256,), (300, 2))))
        >>> Cnf([["rock"], ["roll", "blues"]]) == Cnf.parse("rock AND (roll OR blues)")
        True
    """

    clauses: tuple[tuple[Query, ...], ...]

    def __init__(self, clauses: Iterable[Iterable[Query]]) -> None:
        """Accept any iterables of terms."""
        given = list(several(clauses, "clauses", "clauses"))
        frozen = tuple(tuple(map(_frozen, several(terms, "a clause", "terms"))) for terms in given)
        if not frozen or not all(frozen):
            raise QueryError(
                "a query is a list of clauses, each a list of at least one term; found no clause, or an empty clause"
            )
        object.__setattr__(self, "clauses", frozen)

    @classmethod
    def parse(cls, text: str) -> Cnf:
        """Parse a query; a text without operators is a single term.

        Raises:
            QueryError: a syntax error; the message names the position.
        """
        if not holds_operator(checked_text(text, "the query")):
            return cls([[text]])
        tokens = list(_tokens(text))
        clauses = [_clause(tokens, text)]
        if tokens[0].kind == "OR":
            clauses[0] += _more_terms(tokens, text)
        else:
            while tokens[0].kind == "AND":
                tokens.pop(0)
                clauses.append(_clause(tokens, text))
        if tokens[0].kind != "end":
            is_operator = tokens[0].kind in ("AND", "OR")
            raise _unexpected(text, tokens[0], "parentheses around the OR" if is_operator else "AND or OR")
        return cls(clauses)


def holds_operator(text: str) -> bool:
    """Whether a text has AND or OR as a word of its own, in capitals, so that a search takes it for a query."""
    return _OPERATOR.search(text) is not None


class _Token(NamedTuple):
    """`kind` is `AND`, `OR`, `(`, `)`, `term` or `end`."""

    kind: str
    term: str
    position: int


def _tokens(text: str) -> Iterator[_Token]:
    position = 0
    for found in _SPECIAL.finditer(text):
        yield from _words(text, position, found.start())
        position = found.end()
        if found["lonely"]:
            raise _error(text, found.start(), 'a quotation mark without its partner; inside a term write \\"')
        if found["special"]:
            yield _Token(found["special"], "", found.start())
        else:
            yield _Token("term", re.sub(r'\\(["\\])', r"\1", found["quoted"]), found.start())
    yield from _words(text, position, len(text))
    yield _Token("end", "", len(text))


def _words(text: str, begin: int, end: int) -> Iterator[_Token]:
    """Yield the term between two operators or parentheses, if there is one."""
    words = text[begin:end]
    if words.strip():
        yield _Token("term", words.strip(), begin + len(words) - len(words.lstrip()))


def _clause(tokens: list[_Token], text: str) -> list[str]:
    """Remove and return the clause at the front."""
    if tokens[0].kind != "(":
        return [_term(tokens, text)]
    tokens.pop(0)
    terms = [_term(tokens, text), *_more_terms(tokens, text)]
    closing = tokens.pop(0)
    if closing.kind != ")":
        raise _unexpected(text, closing, "OR or a closing parenthesis")
    return terms


def _more_terms(tokens: list[_Token], text: str) -> list[str]:
    terms = []
    while tokens[0].kind == "OR":
        tokens.pop(0)
        terms.append(_term(tokens, text))
    return terms


def _term(tokens: list[_Token], text: str) -> str:
    token = tokens.pop(0)
    if token.kind != "term" or not token.term:
        raise _unexpected(text, token, "a term")
    return token.term


def _unexpected(text: str, token: _Token, expected: str) -> QueryError:
    found = {"end": "the end", "term": repr(token.term)}.get(token.kind, token.kind)
    return _error(text, token.position, f"expected {expected}, found {found}")


def _error(text: str, position: int, what: str) -> QueryError:
    shown = text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"
    return QueryError(
        f"{shown!r} is not a valid query: {what} at character {position}. Write queries as a AND (b OR c); put literal "
        'AND, OR, parentheses and quotation marks inside "…"'
    )


def _frozen(term: Query) -> Query:
    """Return an immutable term: a text, or token ids as a tuple, which the index checks.

    Raises:
        QueryError: the term is neither a text nor a sequence.
    """
    if isinstance(term, str):
        return term
    if isinstance(term, bytes | bytearray) or not isinstance(term, Sequence | np.ndarray) or np.ndim(term) != 1:
        raise QueryError(f"a term is of type {type(term).__name__}; expected text or a sequence of token ids")
    return tuple(term)
