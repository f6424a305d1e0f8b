"""Requests of the public API: fields, limits, and error messages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

Terms: TypeAlias = list[list[int]]
Cnf: TypeAlias = list[Terms]
"""An AND of clauses, each an OR of terms, each a list of token ids."""

MAX_CHARACTERS: Final = 1000
MAX_TOKENS: Final = 500
MAX_CLAUSES: Final = 4
MAX_TERMS: Final = 4
SEPARATOR: Final = 65_535
"""The id of the document separator in the 16-bit indexes of that engine."""

OPTIONS: Final[Mapping[str, tuple[int, int]]] = {
    "max_support": (1000, 1000),
    "max_clause_freq": (50_000, 500_000),
    "max_diff_tokens": (100, 1000),
    "maxnum": (1, 10),
    "max_disp_len": (1000, 10_000),
}
"""The default and the maximum of each option."""

PLACES: Final = ("s", "rank", "ptr")
IGNORED: Final = ("engine", "source", "timestamp")


class PublicError(Exception):
    """Raised to refuse a request, in most cases with the status 200, as that API does.

    Attributes:
        message: the field `error` of the answer.
        status: the HTTP status.
    """

    def __init__(self, message: str, status: int = 200) -> None:
        super().__init__(message)
        self.message, self.status = message, status


@dataclass(frozen=True)
class PublicRequest:
    """A request with valid fields; its query is not parsed yet.

    Attributes:
        options: all options, with defaults.
        places: the fields of `PLACES` that are present.
    """

    index: str
    query_type: str
    query: str | None
    query_ids: Any
    options: Mapping[str, int] = field(default_factory=dict)
    places: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def read(cls, body: Any) -> PublicRequest:
        """Return the request in a decoded body.

        Raises:
            PublicError: a field is missing, unknown or out of range.
        """
        if not isinstance(body, dict):
            raise PublicError("The request must be a JSON object!", 400)
        fields = {name: value for name, value in body.items() if name not in IGNORED}
        index = fields.pop("index", None)
        index = fields.pop("corpus", index)
        query_type = fields.pop("query_type", None)
        for name, value in (("index", index), ("query_type", query_type)):
            if not isinstance(value, str):
                raise PublicError(f"Missing required field: '{name}'", 400)
        if ("query" in fields) == ("query_ids" in fields):
            raise PublicError("Exactly one of query and query_ids must be present!", 400)
        query, query_ids = fields.pop("query", None), fields.pop("query_ids", None)
        if query_ids is None:
            _check_text(query)
        places = {name: _place(name, fields.pop(name)) for name in PLACES if name in fields}
        options = {name: _option(name, fields.pop(name, None)) for name in OPTIONS}
        if fields:
            raise PublicError("Unknown field for this query_type!", 400)
        return cls(str(index), str(query_type), query, query_ids, options, places)


def checked_ids(query_ids: Any, vocab_size: int) -> tuple[list[int] | None, Cnf]:
    """Check the token ids of a query.

    Returns:
        The ids of a simple query, or None for a CNF; and the query as a CNF.

    Raises:
        PublicError: the query is neither, exceeds a limit, or has ids outside the vocabulary.
    """
    if _is_term(query_ids):
        _check_terms([query_ids], vocab_size)
        return query_ids, [[query_ids]]
    if not _is_cnf(query_ids):
        raise PublicError("query_ids must be a list of integers, or a triply-nested list of integers!")
    if len(query_ids) > MAX_CLAUSES:
        raise PublicError(f"Please enter at most {MAX_CLAUSES} disjunctive clauses!")
    if any(len(clause) > MAX_TERMS for clause in query_ids):
        raise PublicError(f"Please enter at most {MAX_TERMS} terms in each disjunctive clause!")
    _check_terms([term for clause in query_ids for term in clause], vocab_size)
    return None, query_ids


def clauses_of(query: str) -> list[list[str]] | None:
    """Return the clauses of a query with operators, of which OR binds tighter; None for one without."""
    if " AND " not in query and " OR " not in query:
        return None
    return [clause.split(" OR ") for clause in query.split(" AND ")]


def _check_text(query: Any) -> None:
    if not isinstance(query, str):
        raise PublicError("query must be a string!")
    if len(query) > MAX_CHARACTERS:
        raise PublicError(f"Please limit your input to <= {MAX_CHARACTERS} characters!")
    try:
        query.encode()
    except UnicodeEncodeError as error:
        raise PublicError("query contains a lone surrogate, which is not valid text!", 400) from error


def _check_terms(terms: Terms, vocab_size: int) -> None:
    if sum(map(len, terms)) > MAX_TOKENS:
        raise PublicError(f"Please limit your input to <= {MAX_TOKENS} tokens!")
    token_ids = [token_id for term in terms for token_id in term]
    if any(not 0 <= token_id < vocab_size and token_id != SEPARATOR for token_id in token_ids):
        raise PublicError("Some item(s) in your query_ids are out-of-range!")
    if vocab_size <= SEPARATOR and SEPARATOR in token_ids:
        raise PublicError(f"{SEPARATOR}, the document separator, is not a token here; queries cannot cross documents!")


def _is_term(value: Any) -> bool:
    return isinstance(value, list) and all(type(token_id) is int for token_id in value)


def _is_cnf(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(clause, list) and all(_is_term(term) for term in clause) for clause in value
    )


def _option(name: str, value: Any) -> int:
    usual, most = OPTIONS[name]
    if value is None:
        return usual
    if type(value) is not int or not 1 <= value <= most:
        raise PublicError(f"{name} must be an integer in [1, {most}]!")
    return value


def _place(name: str, value: Any) -> int:
    if type(value) is not int or value < 0:
        raise PublicError(f"{name} must be a non-negative integer!")
    return value
