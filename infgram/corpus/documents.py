"""What the readers yield: a document, or a piece of input that could not be read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class SourceDocument:
    """One document as it stands in the corpus.

    Attributes:
        text: never holds a lone surrogate: it can be written as UTF-8.
        metadata: all fields of its line or row besides the text; `{"path": …}` for a file that is one document.
        source: the file's path relative to the input folder, with `/`; the file's name if the input is one file;
            with several inputs, relative to the deepest folder that holds them all; `-` for standard input.
        line: its line (the first of a CSV record's) or row in that file, from 1; None for a file that is one
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
        source: as for `SourceDocument`.
        line: the line or row, from 1; None if it concerns the file.
        reason: what was found and what was expected.
    """

    source: str
    line: int | None
    reason: str


class BadRecordError(ValueError):
    """Why a line or row is no document; the next may be. Never leaves this folder."""


class UnreadableError(Exception):
    """Why the rest of a file cannot be read: cut short, altered, too large. Never leaves this folder."""
