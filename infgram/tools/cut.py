"""Documents without their duplicates, and where these stood, as rows for a file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal, TypeAlias

import numpy as np

from infgram.arguments import choice, flag, instance, text_or_none
from infgram.arguments import path as checked_path
from infgram.duplicates import Duplicates
from infgram.errors import QueryError
from infgram.index import Index, StrPath, checked_index
from infgram.tokenizers import Tokenizer
from infgram.tools.json_lines import write_json_lines
from infgram.types import Int64Array
from infgram.watch import Progress, Watch

Content: TypeAlias = Literal["documents", "ranges"]
"""What to write: every document without its duplicates, or a line for each duplicate."""

Row: TypeAlias = dict[str, Any]


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
    """Write what `dedup` found as JSON lines. The file appears when it is complete, or not at all.

    Args:
        index: the index that was asked.
        duplicates: what `dedup` found in it.
        output: the file.
        content: `"documents"` writes every document in its order, with its metadata beside the text; one that is
            duplicate altogether becomes empty. `"ranges"` writes a line for each span: `document_id`; `start` and
            `end` in tokens; `byte_start` and `byte_end` in the UTF-8 bytes of the document's text, null if the
            tokenizer does not tell.
        text_field: the field for the text of a document; None for `text`, or `token_ids` if the index holds no
            tokenizer.
        overwrite: whether a file at `output` may be replaced.
        timeout_s: seconds that it may take; None for as long as it needs.
        progress: called now and then.

    A span of tokens may begin or end inside a character. What is cut, and what the bytes name, is the characters
    that lie in it whole. Where a tokenizer's texts are not made of the bytes of its tokens (sentencepiece,
    WordPiece), the tokens that remain are decoded instead.

    Raises:
        QueryError: a document's metadata have a field of the same name as the text.
        IndexExistsError: the output exists and may not be replaced.
        StorageError: the operating system refused.
        TimeLimitError: it took longer than `timeout_s`.
    """
    watch = Watch(timeout_s, progress)
    instance(duplicates, "duplicates", Duplicates, "what infgram.dedup gives")
    choice(content, "content", ("documents", "ranges"))
    source = _Source(checked_index(index))
    field = text_or_none(text_field, "text_field") or ("text" if source.tokenizer else "token_ids")
    rows = _range_rows(source, duplicates) if content == "ranges" else _cut_rows(source, duplicates, field)
    write_json_lines(
        _watched(rows, index.n_documents, watch), checked_path(output, "output"), overwrite=flag(overwrite, "overwrite")
    )


class _Source:
    """The documents of an index as tokens and, where the tokenizer tells, as bytes."""

    def __init__(self, index: Index) -> None:
        self.index = index
        self.tokenizer: Tokenizer | None = None if index.info()["tokenizer"] is None else index.tokenizer
        self.bytes = None if self.tokenizer is None else self.tokenizer.token_bytes()

    def without(self, token_ids: Int64Array, spans: Int64Array) -> str | list[int]:
        """What remains of a document."""
        if self.bytes is not None:
            data, cuts = self._data(token_ids, spans)
            return _without(data, cuts).decode("utf-8", errors="replace")
        is_kept = np.ones(len(token_ids), dtype=np.bool_)
        for start, end in spans.tolist():
            is_kept[start:end] = False
        kept = token_ids[is_kept]
        return kept.tolist() if self.tokenizer is None else self.tokenizer.decode(kept)

    def byte_spans(self, document_id: int, spans: Int64Array) -> list[tuple[int | None, int | None]]:
        """The bytes of each span."""
        if self.bytes is None:
            return [(None, None)] * len(spans)
        return [*self._data(self.index.document_tokens(document_id), spans)[1]]

    def _data(self, token_ids: Int64Array, spans: Int64Array) -> tuple[bytes, list[tuple[int, int]]]:
        """A document's bytes, and of each span those whose characters lie in it whole."""
        assert self.bytes is not None
        data = self.bytes.join(token_ids)
        offsets = np.concatenate(([0], np.cumsum(self.bytes.lengths[token_ids])))
        return data, [_whole_characters(data, start, end) for start, end in offsets[spans].tolist()]


def _cut_rows(source: _Source, duplicates: Duplicates, text_field: str) -> Iterator[tuple[int, list[Row]]]:
    """For every document its number and its row."""
    found = iter(duplicates)
    nothing = np.empty((0, 2), dtype=np.int64)
    following = next(found, None)
    for document_id in range(source.index.n_documents):
        spans = nothing
        if following is not None and following.document_id == document_id:
            spans, following = following.spans, next(found, None)
        metadata = source.index.document_metadata(document_id)
        if text_field in metadata:
            raise QueryError(
                f"document {document_id} has a metadata field {text_field!r}, and the text would be written under "
                "the same name; choose another with text_field=… (--text-field)"
            )
        remains = source.without(source.index.document_tokens(document_id), spans)
        yield document_id, [{text_field: remains, **metadata}]


def _range_rows(source: _Source, duplicates: Duplicates) -> Iterator[tuple[int, list[Row]]]:
    """For every document with duplicates its number and their rows."""
    for document_id, spans in duplicates:
        yield (
            document_id,
            [
                {"document_id": document_id, "start": start, "end": end, "byte_start": first, "byte_end": last}
                for (start, end), (first, last) in zip(
                    spans.tolist(), source.byte_spans(document_id, spans), strict=True
                )
            ],
        )


def _watched(documents: Iterable[tuple[int, list[Row]]], n_documents: int, watch: Watch) -> Iterator[Row]:
    for document_id, rows in documents:
        watch.report("write", document_id, n_documents, "documents")
        yield from rows


def _whole_characters(data: bytes, start: int, end: int) -> tuple[int, int]:
    """The bytes `[start, end)` without the characters that reach over their borders."""
    while start < end and _goes_on(data, start):
        start += 1
    while start < end < len(data) and _goes_on(data, end):
        end -= 1
    return start, end


def _goes_on(data: bytes, place: int) -> bool:
    """Whether the byte goes on with a character that began before."""
    return data[place] & 0xC0 == 0x80


def _without(data: bytes, cuts: list[tuple[int, int]]) -> bytes:
    parts, kept_to = [], 0
    for start, end in cuts:
        parts.append(data[kept_to:start])
        kept_to = end
    return b"".join([*parts, data[kept_to:]])
