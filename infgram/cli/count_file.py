"""`infgram count` for many queries, and by the values of a metadata field: rows, and how they are shown."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final, TypeAlias

from infgram.cli.display import one_line, quoted
from infgram.cli.output import print_json, print_table
from infgram.cli.progress import Report, show_progress
from infgram.cli.query_file import FileQuery
from infgram.errors import QueryError
from infgram.types import BuildProgress, FieldCount

AT_ONCE: Final = 4096
"""Queries that are counted together."""

Query: TypeAlias = str | list[int]
Row: TypeAlias = dict[str, Any]
"""The columns of a query, or of one value of the field."""

Count: TypeAlias = Callable[[Sequence[Query]], list[list[Row]]]
"""Gives the rows of each query."""


def rows_by_field(count_by: Callable[[Query], list[FieldCount]]) -> Count:
    """Rows for each value of a field: value, count and document_count."""
    return lambda queries: [[asdict(found) for found in count_by(query)] for query in queries]


def count_all(queries: Sequence[FileQuery], count: Count, *, quiet: bool) -> list[tuple[FileQuery, list[Row]]]:
    """Each query with its rows; progress goes to standard error.

    Raises:
        QueryError: a query cannot be asked of this index; names its line.
    """
    with show_progress(quiet=quiet) as report:
        return list(_counted(queries, count, report))


def _counted(queries: Sequence[FileQuery], count: Count, report: Report) -> Iterator[tuple[FileQuery, list[Row]]]:
    for begin in range(0, len(queries), AT_ONCE):
        block = queries[begin : begin + AT_ONCE]
        yield from zip(block, _rows_of_block(block, count), strict=True)
        report(BuildProgress("count", begin + len(block), len(queries), "queries"))


def _rows_of_block(block: Sequence[FileQuery], count: Count) -> list[list[Row]]:
    try:
        return count([asked.query for asked in block])
    except QueryError:
        for asked in block:  # which one is it?
            try:
                count([asked.query])
            except QueryError as error:
                raise QueryError(f"{asked.place}: {error}") from error
        raise


def print_json_lines(counted: Sequence[tuple[FileQuery, list[Row]]], *, is_by_field: bool) -> None:
    """A JSON object a query."""
    for asked, rows in counted:
        print_json({"line": asked.line, "query": asked.query, **({"by": rows} if is_by_field else rows[0])})


def print_csv(counted: Sequence[tuple[FileQuery, list[Row]]], headings: Mapping[str, str]) -> None:
    """A line of CSV a row, after a line with the headings of its columns; token ids have spaces between."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["query", *headings.values()])
    for asked, rows in counted:
        query = asked.query if isinstance(asked.query, str) else " ".join(map(str, asked.query))
        for row in rows:
            writer.writerow([query, *(_plain(row[name]) for name in headings)])  # None becomes an empty cell


def print_rows(counted: Sequence[tuple[FileQuery, list[Row]]], headings: Mapping[str, str]) -> None:
    """A table for people."""
    cells = []
    for asked, rows in counted:
        query = quoted(asked.query) if isinstance(asked.query, str) else ",".join(map(str, asked.query))
        cells += [[query, *(_cell(name, row[name]) for name in headings)] for row in rows]
    print_table(("query", *headings.values()), cells, left=("query", headings.get("value", "")))


def _cell(column: str, value: Any) -> str:
    if column in ("count", "document_count"):
        return f"{value:,}"
    return "(none)" if value is None else one_line(str(_plain(value)))


def _plain(value: Any) -> Any:
    """The value; a list or an object as JSON."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value
