"""Which reader a file name asks for: the one place where a format is added."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, Final, TypeAlias

from infgram.corpus.arrow_file import read_arrow
from infgram.corpus.csv_rows import read_csv, read_tsv
from infgram.corpus.documents import Skipped, SourceDocument
from infgram.corpus.extras import ARROW, PARQUET, Extra
from infgram.corpus.json_lines import read_json_lines
from infgram.corpus.opening import Compression
from infgram.corpus.options import ReadOptions
from infgram.corpus.parquet import read_parquet
from infgram.corpus.standard_input import STANDARD_INPUT
from infgram.corpus.text_file import read_text

Reader: TypeAlias = Callable[[IO[bytes], str, ReadOptions], Iterator[SourceDocument | Skipped]]
"""Reads one open file, which can be sought in unless it is compressed; the name is the file's in the corpus.

It raises OSError or UnreadableError when the rest of the file cannot be read.
"""


@dataclass(frozen=True)
class Format:
    """A file format.

    Attributes:
        suffixes: of the file's name, in lower case.
        read: its reader.
        is_compressible: whether `.gz` or `.zst` may follow the suffix.
        extra: what the reader needs.
    """

    suffixes: tuple[str, ...]
    read: Reader
    is_compressible: bool = False
    extra: Extra | None = None


TEXT: Final = Format((), read_text)
JSON_LINES: Final = Format((".jsonl", ".ndjson"), read_json_lines, is_compressible=True)
FORMATS: Final = (
    JSON_LINES,
    Format((".csv",), read_csv, is_compressible=True),
    Format((".tsv",), read_tsv, is_compressible=True),
    Format((".parquet",), read_parquet, extra=PARQUET),
    Format((".arrow",), read_arrow, extra=ARROW),
)
_COMPRESSION_OF_SUFFIX: Final[dict[str, Compression]] = {".gz": "gzip", ".zst": "zstd"}


def format_of(name: str) -> tuple[Format, Compression | None]:
    """The format of a file by its name; one that no format claims is text, and `-` is JSON lines."""
    if name == STANDARD_INPUT:
        return JSON_LINES, None
    whole = os.path.basename(name).lower()
    stem, suffix = os.path.splitext(whole)
    compression = _COMPRESSION_OF_SUFFIX.get(suffix)
    for format_ in FORMATS:
        if whole.endswith(format_.suffixes):
            return format_, None
        if compression and format_.is_compressible and stem.endswith(format_.suffixes):
            return format_, compression
    return TEXT, None
