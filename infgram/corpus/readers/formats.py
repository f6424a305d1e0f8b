"""The formats that files have: the one place where one is added."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from infgram.corpus.documents import Skipped, SourceDocument
from infgram.corpus.options import FormatName, ReadOptions
from infgram.corpus.readers.arrow_file import read_arrow
from infgram.corpus.readers.csv_rows import read_csv, read_tsv
from infgram.corpus.readers.extras import ARROW, PARQUET, Extra
from infgram.corpus.readers.json_lines import read_json_lines
from infgram.corpus.readers.json_values import read_json
from infgram.corpus.readers.parquet import read_parquet
from infgram.corpus.readers.text_file import read_text
from infgram.corpus.sources.decompression import stem_of
from infgram.corpus.sources.standard_input import STANDARD_INPUT

Reader: TypeAlias = Callable[[Any, str, ReadOptions], Iterator[SourceDocument | Skipped]]
"""Reads one open file, an `io.BufferedReader`; the name is the file's in the corpus.

It raises OSError or UnreadableError when the rest of the file cannot be read.
"""


@dataclass(frozen=True)
class Format:
    """A file format.

    Attributes:
        name: what `format=` calls it.
        label: what messages call it.
        suffixes: of a file's name, in lower case.
        read: its reader.
        seeks: whether the reader goes back and forth in the file, which no compressed file allows.
        extra: what the reader needs.
    """

    name: FormatName
    label: str
    suffixes: tuple[str, ...]
    read: Reader
    seeks: bool = False
    extra: Extra | None = None


TEXT: Final = Format("text", "text", (), read_text)
JSON_LINES: Final = Format(
    "jsonl", "JSON lines", (".jsonl", ".ndjson", ".jsonlines", ".jl", ".ldjson"), read_json_lines
)
JSON: Final = Format("json", "JSON", (".json",), read_json)
CSV: Final = Format("csv", "CSV", (".csv",), read_csv)
TSV: Final = Format("tsv", "TSV", (".tsv",), read_tsv)
PARQUET_FILE: Final = Format("parquet", "Parquet", (".parquet", ".parq"), read_parquet, seeks=True, extra=PARQUET)
ARROW_FILE: Final = Format("arrow", "Arrow", (".arrow", ".feather"), read_arrow, seeks=True, extra=ARROW)
FORMATS: Final = (TEXT, JSON_LINES, JSON, CSV, TSV, PARQUET_FILE, ARROW_FILE)
BY_NAME: Final[dict[str, Format]] = {format_.name: format_ for format_ in FORMATS}
NAMES: Final = ("auto", *BY_NAME)

_BY_SUFFIX: Final = {suffix: format_ for format_ in FORMATS for suffix in format_.suffixes}


def format_of_name(name: str) -> Format | None:
    """Return the format that a file's name says, as `.jsonl.gz` does; None if it says none."""
    if name == STANDARD_INPUT:
        return JSON_LINES
    return _BY_SUFFIX.get(os.path.splitext(stem_of(name))[1])
