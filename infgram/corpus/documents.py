"""The input and output of every reader: options in; documents and skipped records out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from infgram.corpus.readers.text_field import TextField


@dataclass(frozen=True)
class SourceDocument:
    """One document of the corpus.

    Attributes:
        text: the text, without lone surrogates, so that it can be encoded as UTF-8.
        metadata: all fields of the line or row except the text; `{"path": …}` for a file that is one document.
        source: the path of the file, with `/`, relative to the input folder; the file name if the input is one file;
            relative to the deepest common folder of several inputs; `-` for standard input.
        line: the line or row in that file, from 1 (the first line of a CSV record); None for a file that is one
            document.
    """

    text: str
    metadata: dict[str, Any]
    source: str
    line: int | None


@dataclass(frozen=True)
class Skipped:
    """A line, a row, a file or the rest of a file that could not be read.

    Attributes:
        source: the file, named as in `SourceDocument`.
        line: the line or row, from 1; None if the document is the whole file.
        reason: what was found and what was expected.
    """

    source: str
    line: int | None
    reason: str


class BadRecordError(ValueError):
    """Raised for a malformed record; reading continues with the next. Caught inside `infgram.corpus`."""


class UnreadableError(Exception):
    """Raised if the rest of a file cannot be read: truncated, damaged or too large. Caught inside `infgram.corpus`."""


LONGEST_DOCUMENT_BYTES: Final = 1 << 30
MAX_RATIO: Final = 1000
"""The maximum ratio of decoded to stored bytes. Compressed logs and repetitive JSON lines reach 300."""
MAX_EXCESS_TEXT: Final = 1 << 30
"""Characters of a corpus that are free of `MAX_RATIO`, so that it does not apply to small ones."""
MAX_EXCESS_BYTES: Final = 256 << 20
"""Decompressed bytes of a file that are free of `MAX_RATIO`."""

FormatName: TypeAlias = Literal["auto", "text", "jsonl", "json", "csv", "tsv", "parquet", "arrow"]


@dataclass(frozen=True)
class ReadOptions:
    """The options of every reader in one pass over the corpus.

    Attributes:
        text_field: extracts the text of a record.
        longest_bytes: the maximum size of a line, a record or a text file, decompressed.
        format: the format of every file; `"auto"` recognizes it by content and name.
    """

    text_field: TextField
    longest_bytes: int = LONGEST_DOCUMENT_BYTES
    format: FormatName = "auto"
