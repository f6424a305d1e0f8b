"""Tabular results: columns by name, and conversion to pandas, Arrow and notebook tables."""

from __future__ import annotations

import json
import weakref
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from infgram.errors import InfgramError, MissingExtraError, QueryError
from infgram.notebook import MOST_ROWS, table_html
from infgram.reprs import ShortRepr

if TYPE_CHECKING:
    import pandas
    import pyarrow

Columns: TypeAlias = "dict[str, npt.NDArray[Any] | list[str] | list[str | None]]"
"""Columns of one length: numeric arrays, masked where values may be missing, or lists of texts."""

T = TypeVar("T", bound="Table")


class ShowsTokens(Protocol):
    """A tokenizer that gives the text of each token."""

    def tokens(self, token_ids: Sequence[int], /) -> list[str]:
        """Return the text of each token, for display."""


class HasTokenizer(Protocol):
    """An index or a client."""

    @property
    def tokenizer(self) -> Any:
        """The tokenizer, a `ShowsTokens`."""


class Table(ShortRepr):
    """Base of tabular results."""

    _owner: weakref.ref[HasTokenizer] | None = None  # the index or client, for the texts of tokens

    def columns(self) -> Columns:
        """Return the columns by name, in order; all have one length."""
        raise NotImplementedError

    def to_pandas(self, tokenizer: ShowsTokens | None = None) -> pandas.DataFrame:
        """Return the columns as a pandas DataFrame.

        Args:
            tokenizer: for instance `index.tokenizer`; adds a column `token` after `token_id`, missing for the end of
                a document.

        Raises:
            MissingExtraError: pandas is not installed.
            QueryError: a tokenizer is given, but the table has no column `token_id`.
        """
        columns = _with_tokens(self.columns(), tokenizer)
        return _installed("pandas", "to_pandas", "pandas").DataFrame(columns)

    def to_arrow(self, tokenizer: ShowsTokens | None = None) -> pyarrow.Table:
        """Return the columns as an Arrow table; arguments as for `to_pandas`.

        Raises:
            MissingExtraError: pyarrow is not installed.
            QueryError: as `to_pandas`.
        """
        arrow = _installed("pyarrow", "to_arrow", "parquet")
        columns = _with_tokens(self.columns(), tokenizer)
        typed = {
            name: arrow.array(column, arrow.string()) if isinstance(column, list) else arrow.array(column)
            for name, column in columns.items()
        }
        return arrow.table(typed)

    def _repr_html_(self) -> str:
        columns = self._display()
        n_rows = max((len(column) for column in columns.values()), default=0)
        shown = self._with_known_tokens({name: column[:MOST_ROWS] for name, column in columns.items()})
        values = {name: column if isinstance(column, list) else column.tolist() for name, column in shown.items()}
        return table_html(values, caption=self._caption(), bars=("probability",), n_rows=n_rows)

    def _display(self) -> Columns:
        """Return the columns for notebooks, with the most important rows first."""
        return self.columns()

    def _caption(self) -> str:
        """Return the line above the table in notebooks."""
        return type(self).__name__

    def _with_known_tokens(self, columns: Columns) -> Columns:
        """Add the texts of the tokens if the index or client still exists and has a tokenizer."""
        owner = None if self._owner is None else self._owner()
        if owner is None or "token_id" not in columns:
            return columns
        try:
            columns = _with_tokens(columns, owner.tokenizer)
        except InfgramError:  # no tokenizer, or the service cannot be reached: show ids only
            return columns
        quoted = [
            "(end of document)" if token is None else json.dumps(token, ensure_ascii=False)
            for token in columns["token"]
        ]
        return {**columns, "token": quoted}

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_owner"}


def with_owner(owner: HasTokenizer, result: T) -> T:
    """Return the result with a weak reference to its index or client, for the texts of tokens in notebooks."""
    object.__setattr__(result, "_owner", weakref.ref(owner))
    return result


def masked(values: Sequence[int | None]) -> npt.NDArray[np.int64]:
    """Return a column of integers, masked where the value is None."""
    filled = np.array([0 if value is None else value for value in values], dtype=np.int64)
    if None not in values:
        return filled
    return np.ma.masked_array(filled, mask=[value is None for value in values])


def _with_tokens(columns: Columns, tokenizer: ShowsTokens | None) -> Columns:
    if tokenizer is None:
        return columns
    if not hasattr(tokenizer, "tokens"):
        raise TypeError(f"tokenizer is of type {type(tokenizer).__name__}; expected a tokenizer like index.tokenizer")
    if "token_id" not in columns:
        raise QueryError(f"this table has no token ids ({', '.join(columns)}); leave the tokenizer out")
    token_ids = np.asarray(columns["token_id"], dtype=np.int64)
    texts = iter(tokenizer.tokens(token_ids[token_ids >= 0].tolist()))
    tokens = [next(texts) if token_id >= 0 else None for token_id in token_ids.tolist()]
    place = list(columns).index("token_id") + 1
    names = [*list(columns)[:place], "token", *list(columns)[place:]]
    return {name: tokens if name == "token" else columns[name] for name in names}


def _installed(package: str, method: str, extra: str) -> Any:
    try:
        return import_module(package)
    except ImportError as error:
        raise MissingExtraError(
            f"{method} needs the package {package}, which is not installed; pip install 'infgram[{extra}]'"
        ) from error


def numbers(rows: Sequence[object], *names: str, dtype: npt.DTypeLike = np.int64) -> dict[str, npt.NDArray[Any]]:
    """Return columns of numbers from attributes that all rows have."""
    return {name: np.array([getattr(row, name) for row in rows], dtype=dtype) for name in names}
