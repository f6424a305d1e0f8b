"""JSON lines of items that are token ids already."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from infgram.corpus.documents import LONGEST_DOCUMENT_BYTES, UnreadableError
from infgram.corpus.readers.text import bounded_lines
from infgram.corpus.sources.decompression import decompressed
from infgram.corpus.sources.files import CountingFile, CountingStream, InputFile
from infgram.corpus.sources.inputs import Inputs, list_inputs, names_of
from infgram.errors import InputError


@dataclass(frozen=True)
class SourceTokens:
    """One item.

    Attributes:
        token_ids: the token ids, not checked against a vocabulary.
        metadata: all other fields of the line.
        source: the file, named as in `SourceDocument`.
        line: the line, from 1.
    """

    token_ids: list[int]
    metadata: dict[str, Any]
    source: str
    line: int


class TokenLines:
    """Items of token ids streamed from JSON lines, compressed or not, always in the same order.

    Attributes:
        n_bytes: bytes of all files, as stored.
        bytes_read: bytes, as stored, that the latest `items()` has read.
    """

    def __init__(self, path: Inputs, *, field: str) -> None:
        """List the files without reading them.

        Args:
            path: one or several files, folders or patterns, as for `Corpus`.
            field: the field with the list of token ids.

        Raises:
            InputError: an input does not exist or cannot be listed.
        """
        listed = list_inputs(names_of(path))
        listed.check_complete()
        self._files = listed.files
        self._field = field
        self.n_bytes = sum(file.size_bytes for file in self._files)
        self._finished_bytes = 0
        self._raw: CountingFile | CountingStream | None = None

    @property
    def bytes_read(self) -> int:
        """Bytes, as stored, that the latest `items()` has read."""
        return self._finished_bytes + (0 if self._raw is None else self._raw.n_bytes_read)

    def items(self) -> Iterator[SourceTokens]:
        """Yield all items, from the beginning; blank lines are skipped.

        Raises:
            InputError: a line is not a JSON object with a list of integers in the field.
        """
        self._finished_bytes = 0
        for file in self._files:
            try:
                with file.location.open() as raw, decompressed(raw, file.source) as (content, _):
                    self._raw = raw
                    for number, line in enumerate(bounded_lines(content, LONGEST_DOCUMENT_BYTES), start=1):
                        if line.strip():
                            yield self._item(file, number, line)
            except (OSError, UnreadableError) as error:
                raise InputError(f"{file.location}: cannot be read: {error}") from error
            self._raw = None
            self._finished_bytes += file.size_bytes

    def _item(self, file: InputFile, number: int, line: bytes) -> SourceTokens:
        try:
            fields = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{file.location}, line {number}: not valid JSON: {error}") from error
        token_ids = fields.pop(self._field, None) if isinstance(fields, dict) else None
        if not isinstance(token_ids, list) or not all(type(token) is int for token in token_ids):
            raise InputError(
                f"{file.location}, line {number}: expected an object with a list of token ids in the field "
                f"{self._field!r} (choose another field with --text-field)"
            )
        return SourceTokens(token_ids, fields, file.source, number)
