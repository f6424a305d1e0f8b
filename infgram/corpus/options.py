"""What every reader is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from infgram.corpus.text_field import TextField

LONGEST_DOCUMENT_BYTES: Final = 1 << 30


@dataclass(frozen=True)
class ReadOptions:
    """What every reader of a pass is told.

    Attributes:
        text_field: takes the text out of a record.
        longest_bytes: of a line, a record or a file of text, decompressed.
    """

    text_field: TextField
    longest_bytes: int = LONGEST_DOCUMENT_BYTES
