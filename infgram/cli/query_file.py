"""Queries from a file: one a line, as text or as JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from infgram.cli.output import note
from infgram.cli.questions import standard_input
from infgram.errors import InputError

_EXPECTED: Final = (
    'expected a text, a list of token ids, or an object that holds one as "query", as {"query": "natural language"}'
)


@dataclass(frozen=True)
class FileQuery:
    """A query of a file.

    Attributes:
        place: the file and the number of the line, for messages.
        line: the number of the line, from 1.
        query: a text or token ids.
    """

    place: str
    line: int
    query: str | list[int]


def read_queries(file: str) -> list[FileQuery]:
    """All queries of a file, or of standard input (`-`).

    A line of text is a query exactly as given, without the line end. In a file whose name says JSON lines, a line
    is JSON. Empty lines are left out, and a note says how many.

    Raises:
        InputError: the file cannot be read, or a line is no query; names the line.
    """
    name = "standard input" if file == "-" else file
    try:
        data = standard_input("a query a line there ('-')") if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise InputError(f"{file}: cannot be read: {error.strerror or error}") from error
    as_json = file != "-" and _holds_json_lines(file)
    queries = []
    lines = data.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    if not lines[-1]:
        del lines[-1]  # what comes after the last line end
    for number, line in enumerate(lines, 1):
        place = f"{name}, line {number}"
        text = _text(line.removesuffix(b"\r"), place)
        if text:
            queries.append(FileQuery(place, number, _parsed(text, place) if as_json else text))
    if len(queries) < len(lines):
        note(f"{name}: {len(lines) - len(queries):,} of {len(lines):,} lines are empty and were left out")
    return queries


def _holds_json_lines(file: str) -> bool:
    """Whether the name says JSON lines, as that of a file of a corpus does."""
    from infgram.corpus.readers.formats import JSON_LINES, format_of_name

    return format_of_name(file) is JSON_LINES


def _text(line: bytes, place: str) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{place}: not UTF-8 text: byte 0x{line[error.start]:02x} at byte offset {error.start} of the line; "
            "convert the file first, as with iconv"
        ) from error


def _parsed(text: str, place: str) -> str | list[int]:
    try:
        value: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{place}: not valid JSON ({error}); {_EXPECTED}") from error
    if isinstance(value, dict):
        if "query" not in value:
            raise InputError(
                f"{place}: an object with the fields {', '.join(map(repr, value)) or '(none)'}; {_EXPECTED}"
            )
        value = value["query"]
    if isinstance(value, str) or (isinstance(value, list) and all(type(each) is int for each in value)):
        return value
    raise InputError(f"{place}: found {json.dumps(value)[:60]}; {_EXPECTED}")
