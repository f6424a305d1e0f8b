"""The table of file formats. A new format is added here."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from infgram.corpus.documents import FormatName, ReadOptions, Skipped, SourceDocument
from infgram.corpus.readers.columnar import read_arrow, read_parquet
from infgram.corpus.readers.csv_rows import read_csv, read_tsv
from infgram.corpus.readers.extras import ARROW, PARQUET, Extra
from infgram.corpus.readers.json_lines import read_json_lines
from infgram.corpus.readers.json_values import read_json
from infgram.corpus.readers.text import read_text
from infgram.corpus.sources.decompression import stem_of
from infgram.corpus.sources.files import STANDARD_INPUT

Reader: TypeAlias = Callable[[Any, str, ReadOptions], Iterator[SourceDocument | Skipped]]
"""Reads an open file, an `io.BufferedReader`, given its name in the corpus and the options.

Raises OSError or UnreadableError if the rest of the file cannot be read.
"""


@dataclass(frozen=True)
class Format:
    """A file format.

    Attributes:
        name: its value for `format=`.
        label: its name in messages.
        suffixes: the suffixes of file names, in lower case.
        read: the reader.
        seeks: whether the reader seeks, which compressed files do not support.
        extra: the optional package that the reader needs.
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
    """Return the format of a suffix such as `.jsonl.gz`; None if no format has the suffix."""
    if name == STANDARD_INPUT:
        return JSON_LINES
    return _BY_SUFFIX.get(os.path.splitext(stem_of(name))[1])
