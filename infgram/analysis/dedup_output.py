"""Write the documents without their duplicates, or the positions of the duplicates, to a file of rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, Literal, TypeAlias

import numpy as np

from infgram.arguments import choice, flag, instance, path as checked_path, text_or_none
from infgram.duplicates import Duplicates
from infgram.errors import IndexDamagedError
from infgram.exports.document_rows import DocumentRows
from infgram.exports.rows_file import Row, rows_file
from infgram.index import Index, StrPath, checked_index, tokenizer_or_none
from infgram.types import Int64Array
from infgram.watch import Progress, Watch

Content: TypeAlias = Literal["documents", "ranges"]
"""What to write: every document without its duplicates, or a row for each duplicate span."""

_ADVICE: Final = "write the duplicate ranges with content='ranges' (--ranges) and remove them from the original files"


def write_dedup(
    index: Index,
    duplicates: Duplicates,
    output: StrPath,
    *,
    content: Content = "documents",
    text_field: str | None = None,
    overwrite: bool = False,
    timeout_s: float | None = None,
    progress: Progress | None = None,
) -> None:
    """Write the result of `dedup` to a file. The file appears only when it is complete.

    Args:
        index: the index that `dedup` was called with.
        duplicates: the result of `dedup`.
        output: the file. Its suffix selects the format: `.jsonl` or `.ndjson`, optionally followed by `.gz`, `.zst`,
            `.bz2` or `.xz`; or `.parquet`.
        content: `"documents"` writes every document in corpus order, with its metadata, `source` and `line` beside the
            text; a document that is entirely duplicate becomes empty. Metadata fields named `source` or `line` take
            precedence; the source of a text file is in `path`. `"ranges"` writes a row for each duplicate span:
            `document_id`; `start` and `end` in tokens; `byte_start` and `byte_end` in the UTF-8 bytes of the
            document's text, null if the tokenizer is not lossless.
        text_field: the field for the text of a document; None for `text`, or `token_ids` if the index has no
            tokenizer.
        overwrite: whether to replace an existing file.
        timeout_s: time limit in seconds; None for no limit.
        progress: called from time to time.

    A span of tokens may begin or end inside a character. Only the characters that lie entirely in the span are removed,
    and the byte ranges cover only these. Documents are reconstructed from their tokens, so `"documents"` requires a
    lossless tokenizer: any other (one with a normalizer, WordPiece, sentencepiece) may have changed the text.
    `"ranges"` works with every tokenizer.

    Raises:
        QueryError: the suffix of `output` is unknown; a document has a metadata field with the name of the text field;
            `content` is `"documents"` and the tokenizer is not lossless; or the tokens of a document are not valid
            UTF-8.
        IndexExistsError: the output exists and `overwrite` is False.
        StorageError: the operating system refused.
        TimeLimitError: the time limit was exceeded.
    """
    watch = Watch(timeout_s, progress)
    instance(duplicates, "duplicates", Duplicates, "the result of infgram.dedup")
    choice(content, "content", ("documents", "ranges"))
    checked_index(index)
    if content == "documents":
        check_documents(index)
    field = text_or_none(text_field, "text_field") or ("token_ids" if tokenizer_or_none(index) is None else "text")
    documents = _Documents(index, field, _ADVICE)
    rows = _range_rows(documents, duplicates) if content == "ranges" else _cut_rows(documents, duplicates)
    with rows_file(checked_path(output, "output"), overwrite=flag(overwrite, "overwrite")) as write:
        for row in _watched(rows, index.n_documents, watch):
            write(row)


def check_documents(index: Index) -> None:
    """Check that the documents of an index can be reconstructed from their tokens.

    Raises:
        QueryError: the tokenizer is not lossless.
    """
    if tokenizer_or_none(index) is not None:
        DocumentRows(index, "text", _ADVICE).check_text()


class _Documents(DocumentRows):
    """The documents of an index, as rows without the duplicates."""

    def without(self, document_id: int, spans: Int64Array) -> str | list[int]:
        """Return a document without the given spans of tokens.

        Raises:
            QueryError: the bytes of the document's tokens are not its text.
        """
        token_ids = self._tokens(document_id, spans)
        if self.tokenizer is None:
            is_kept = np.ones(len(token_ids), dtype=np.bool_)
            for start, end in spans.tolist():
                is_kept[start:end] = False
            remaining: list[int] = token_ids[is_kept].tolist()
            return remaining
        text = self.text(document_id, token_ids)
        if len(spans) == 0:
            return text
        data, cuts = self._cuts(document_id, token_ids, text, spans)
        return _without(data, cuts).decode("utf-8")

    def byte_spans(self, document_id: int, spans: Int64Array) -> list[tuple[int | None, int | None]]:
        """Return the byte range of each span; (None, None) if the tokenizer is not lossless.

        Raises:
            QueryError: as for `without`.
        """
        if self.bytes is None or self.tokenizer is None:
            return [(None, None)] * len(spans)
        token_ids = self._tokens(document_id, spans)
        return [*self._cuts(document_id, token_ids, self.tokenizer.decode(token_ids), spans)[1]]

    def _tokens(self, document_id: int, spans: Int64Array) -> Int64Array:
        """Return the tokens of a document; raise IndexDamagedError if a span extends beyond them."""
        token_ids = self.index.document_tokens(document_id)
        if len(spans) and spans.max() > len(token_ids):
            raise IndexDamagedError(
                f"a duplicate in document {document_id} ends at token {spans.max()}, expected at most "
                f"{len(token_ids)}; run `infgram verify` and rebuild the index"
            )
        return token_ids

    def _cuts(
        self, document_id: int, token_ids: Int64Array, text: str, spans: Int64Array
    ) -> tuple[bytes, list[tuple[int, int]]]:
        """Return a document's bytes, and for each span the byte range of its complete characters."""
        data, lengths = self.data(document_id, token_ids, text)
        offsets = np.concatenate(([0], np.cumsum(lengths)))
        return data, [_whole_characters(data, start, end) for start, end in offsets[spans].tolist()]


def _cut_rows(documents: _Documents, duplicates: Duplicates) -> Iterator[tuple[int, list[Row]]]:
    """Yield each document's id with its row."""
    remaining = iter(duplicates)
    no_spans = np.empty((0, 2), dtype=np.int64)
    upcoming = next(remaining, None)
    for document_id in documents.index.document_ids():
        spans = no_spans
        if upcoming is not None and upcoming.document_id == document_id:
            spans, upcoming = upcoming.spans, next(remaining, None)
        yield document_id, [documents.row(document_id, documents.without(document_id, spans))]


def _range_rows(documents: _Documents, duplicates: Duplicates) -> Iterator[tuple[int, list[Row]]]:
    """Yield the id of each document with duplicates, with a row for each duplicate span."""
    for document_id, spans in duplicates:
        yield (
            document_id,
            [
                {"document_id": document_id, "start": start, "end": end, "byte_start": first, "byte_end": last}
                for (start, end), (first, last) in zip(
                    spans.tolist(), documents.byte_spans(document_id, spans), strict=True
                )
            ],
        )


def _watched(documents: Iterable[tuple[int, list[Row]]], n_documents: int, watch: Watch) -> Iterator[Row]:
    for number, (_, rows) in enumerate(documents):
        watch.report("write", number, n_documents, "documents")
        yield from rows


def _whole_characters(data: bytes, start: int, end: int) -> tuple[int, int]:
    """Shrink the byte range `[start, end)` to complete characters."""
    while start < end and _is_continuation(data, start):
        start += 1
    while start < end < len(data) and _is_continuation(data, end):
        end -= 1
    return start, end


def _is_continuation(data: bytes, position: int) -> bool:
    """Return whether the byte is a UTF-8 continuation byte."""
    return data[position] & 0xC0 == 0x80


def _without(data: bytes, cuts: list[tuple[int, int]]) -> bytes:
    parts, begin = [], 0
    for start, end in cuts:
        parts.append(data[begin:start])
        begin = end
    return b"".join([*parts, data[begin:]])
