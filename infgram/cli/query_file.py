"""Read queries from a file, one per line, as text or JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from infgram.cli.output import note
from infgram.cli.query_arguments import standard_input
from infgram.errors import InputError

_EXPECTED: Final = (
    'expected a text, a list of token ids, or an object with either of them as "query", '
    'for example {"query": "natural language"}'
)


@dataclass(frozen=True)
class FileQuery:
    """A query of a file.

    Attributes:
        place: the file and line number, for messages.
        line: the line number, from 1.
        query: a text or token ids.
    """

    place: str
    line: int
    query: str | list[int]


def read_queries(file: str) -> list[FileQuery]:
    """Read all queries of a file, or of standard input (`-`).

    Each line is a query, exactly as given, without its line end. If the file is named as JSON lines, each line is JSON.
    Empty lines are skipped, with a note.

    Raises:
        InputError: the file cannot be read, or a line is not a query. The message has its line number.
    """
    name = "standard input" if file == "-" else file
    try:
        data = standard_input("one query per line") if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise InputError(f"{file}: cannot be read: {error.strerror or error}") from error
    is_json = file != "-" and _is_json_lines(file)
    queries = []
    lines = data.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    if not lines[-1]:
        del lines[-1]  # after the last line end
    for number, line in enumerate(lines, 1):
        place = f"{name}, line {number}"
        text = _text(line.removesuffix(b"\r"), place)
        if text:
            queries.append(FileQuery(place, number, _parsed(text, place) if is_json else text))
    if len(queries) < len(lines):
        note(f"{name}: {len(lines) - len(queries):,} of {len(lines):,} lines are empty and were skipped")
    return queries


def _is_json_lines(file: str) -> bool:
    """Return whether the file name is that of JSON lines, as for files of a corpus."""
    from infgram.corpus.readers.formats import JSON_LINES, format_of_name

    return format_of_name(file) is JSON_LINES


def _text(line: bytes, place: str) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{place}: not UTF-8 text: byte 0x{line[error.start]:02x} at byte offset {error.start} of the line; "
            "convert the file first, for example with iconv"
        ) from error


def _parsed(text: str, place: str) -> str | list[int]:
    try:
        value: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{place}: not valid JSON ({error}); {_EXPECTED}") from error
    if isinstance(value, dict):
        if "query" not in value:
            raise InputError(
                f"{place}: found an object with the fields {', '.join(map(repr, value)) or '(none)'}; {_EXPECTED}"
            )
        value = value["query"]
    if isinstance(value, str) or (isinstance(value, list) and all(type(each) is int for each in value)):
        return value
    raise InputError(f"{place}: found {json.dumps(value)[:60]}; {_EXPECTED}")
