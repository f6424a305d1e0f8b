"""`infgram count` with --queries or --by: count, and print the rows."""

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

BATCH_SIZE: Final = 4096
"""The number of queries in one call of the library."""

Query: TypeAlias = str | list[int]
Row: TypeAlias = dict[str, Any]
"""The columns of one query, or of one query and one value of the field."""

Count: TypeAlias = Callable[[Sequence[Query]], list[list[Row]]]
"""A function that returns the rows of each query."""


def rows_by_field(count_by: Callable[[Query], list[FieldCount]]) -> Count:
    """Return a function whose rows are the values of a field, with value, count and document_count."""
    return lambda queries: [[asdict(found) for found in count_by(query)] for query in queries]


def count_all(queries: Sequence[FileQuery], count: Count, *, quiet: bool) -> list[tuple[FileQuery, list[Row]]]:
    """Count every query and return it with its rows. Progress goes to standard error.

    Raises:
        QueryError: a query is invalid for this index. The message has its line number.
    """
    with show_progress(quiet=quiet) as report:
        return list(_counted(queries, count, report))


def _counted(queries: Sequence[FileQuery], count: Count, report: Report) -> Iterator[tuple[FileQuery, list[Row]]]:
    for begin in range(0, len(queries), BATCH_SIZE):
        block = queries[begin : begin + BATCH_SIZE]
        yield from zip(block, _rows_of_block(block, count), strict=True)
        report(BuildProgress("count", begin + len(block), len(queries), "queries"))


def _rows_of_block(block: Sequence[FileQuery], count: Count) -> list[list[Row]]:
    try:
        return count([entry.query for entry in block])
    except QueryError:
        for entry in block:  # find the invalid query, to name its line
            try:
                count([entry.query])
            except QueryError as error:
                raise QueryError(f"{entry.place}: {error}") from error
        raise


def print_json_lines(counted: Sequence[tuple[FileQuery, list[Row]]], *, is_by_field: bool) -> None:
    """Print one JSON object per query."""
    for entry, rows in counted:
        print_json({"line": entry.line, "query": entry.query, **({"by": rows} if is_by_field else rows[0])})


def print_csv(counted: Sequence[tuple[FileQuery, list[Row]]], headings: Mapping[str, str]) -> None:
    """Print a line of CSV per row, after a line of headings. Token ids are separated by spaces."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["query", *headings.values()])
    for entry, rows in counted:
        query = entry.query if isinstance(entry.query, str) else " ".join(map(str, entry.query))
        for row in rows:
            writer.writerow([query, *(_plain(row[name]) for name in headings)])  # None becomes an empty cell


def print_rows(counted: Sequence[tuple[FileQuery, list[Row]]], headings: Mapping[str, str]) -> None:
    """Print the rows as a table."""
    cells = []
    for entry, rows in counted:
        query = quoted(entry.query) if isinstance(entry.query, str) else ",".join(map(str, entry.query))
        cells += [[query, *(_cell(name, row[name]) for name in headings)] for row in rows]
    print_table(("query", *headings.values()), cells, left=("query", headings.get("value", "")))


def _cell(column: str, value: Any) -> str:
    if column in ("count", "document_count"):
        return f"{value:,}"
    return "(none)" if value is None else one_line(str(_plain(value)))


def _plain(value: Any) -> Any:
    """Return the value, with lists and objects as JSON."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value
