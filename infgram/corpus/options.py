"""What every reader is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from infgram.corpus.readers.text_field import TextField

LONGEST_DOCUMENT_BYTES: Final = 1 << 30

FormatName: TypeAlias = Literal["auto", "text", "jsonl", "json", "csv", "tsv", "parquet", "arrow"]


@dataclass(frozen=True)
class ReadOptions:
    """What every reader of a pass is told.

    Attributes:
        text_field: takes the text out of a record.
        longest_bytes: of a line, a record or a file of text, decompressed.
        format: of every file; `"auto"` recognizes it by the content and the name of each.
    """

    text_field: TextField
    longest_bytes: int = LONGEST_DOCUMENT_BYTES
    format: FormatName = "auto"
