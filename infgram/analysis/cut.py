"""Documents without their duplicates, and where the duplicates are, as rows for a file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, Literal, TypeAlias

import numpy as np

from infgram.analysis.rows_file import Row, rows_file
from infgram.analysis.subject import tokenizer_of
from infgram.arguments import choice, flag, instance, path as checked_path, text_or_none
from infgram.duplicates import Duplicates
from infgram.errors import QueryError
from infgram.index import Index, StrPath, checked_index
from infgram.types import Int64Array
from infgram.watch import Progress, Watch

Content: TypeAlias = Literal["documents", "ranges"]
"""What to write: every document without its duplicates, or a line for each duplicate."""

_REPLACEMENT: Final = "\ufffd"


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
    """Write what `dedup` found. The file appears when it is complete, or not at all.

    Args:
        index: the index that was asked.
        duplicates: what `dedup` found in it.
        output: the file. Its name says the format: `.jsonl` or `.ndjson`, also with `.gz`, `.zst`, `.bz2` or `.xz`
            behind; or `.parquet`.
        content: `"documents"` writes every document in its order, with its metadata, `source` and `line` beside the
            text; one that is duplicate altogether becomes empty. Metadata fields of these names win, and a text
            file has its source in `path`. `"ranges"` writes a row for each span: `document_id`; `start` and
            `end` in tokens; `byte_start` and `byte_end` in the UTF-8 bytes of the document's text, null if the
            tokenizer is not lossless.
        text_field: the field for the text of a document; None for `text`, or `token_ids` if the index holds no
            tokenizer.
        overwrite: whether a file at `output` may be replaced.
        timeout_s: seconds that it may take; None for as long as it needs.
        progress: called now and then.

    A span of tokens may begin or end inside a character. What is cut, and what the bytes name, is the characters
    that lie in it whole. Documents are written from their tokens, so only a lossless tokenizer can write them: any
    other (one with a normalizer, WordPiece, sentencepiece) may have changed them. `"ranges"` works for all.

    Raises:
        QueryError: the output's name says no known format; a document's metadata have a field of the same name as
            the text; documents are to be written, and the tokenizer is not lossless; or the tokens of a document are
            no valid UTF-8.
        IndexExistsError: the output exists and may not be replaced.
        StorageError: the operating system refused.
        TimeLimitError: it took longer than `timeout_s`.
    """
    watch = Watch(timeout_s, progress)
    instance(duplicates, "duplicates", Duplicates, "what infgram.dedup gives")
    choice(content, "content", ("documents", "ranges"))
    source = _Source(checked_index(index))
    if content == "documents":
        check_documents(index)
    field = text_or_none(text_field, "text_field") or ("text" if source.tokenizer else "token_ids")
    rows = _range_rows(source, duplicates) if content == "ranges" else _cut_rows(source, duplicates, field)
    with rows_file(checked_path(output, "output"), overwrite=flag(overwrite, "overwrite")) as write:
        for row in _watched(rows, index.n_documents, watch):
            write(row)


def check_documents(index: Index) -> None:
    """Refuse an index whose documents may be other than their tokens tell.

    Raises:
        QueryError: its tokenizer is not lossless.
    """
    tokenizer = tokenizer_of(index)
    if tokenizer is not None and not tokenizer.is_lossless:
        raise QueryError(
            "documents cannot be written: the index's tokenizer is not known to give back every text as it was, so "
            "that they might be altered; write where the duplicates are with content='ranges' (--ranges) and cut the "
            "original"
        )


class _Source:
    """The documents of an index as tokens and as the text that these stand for, never any other."""

    def __init__(self, index: Index) -> None:
        self.index = index
        self.tokenizer = tokenizer_of(index)
        self.bytes = None
        if self.tokenizer is not None and self.tokenizer.is_lossless:  # else they are no bytes of the original
            self.bytes = self.tokenizer.token_bytes()

    def without(self, document_id: int, spans: Int64Array) -> str | list[int]:
        """What remains of a document.

        Raises:
            QueryError: its text does not come back from its tokens.
        """
        token_ids = self.index.document_tokens(document_id)
        if self.tokenizer is None:
            is_kept = np.ones(len(token_ids), dtype=np.bool_)
            for start, end in spans.tolist():
                is_kept[start:end] = False
            kept: list[int] = token_ids[is_kept].tolist()
            return kept
        text = self.tokenizer.decode(token_ids)
        if len(spans) == 0 and _REPLACEMENT not in text:
            return text
        data, cuts = self._data(document_id, token_ids, text, spans)
        return _without(data, cuts).decode("utf-8")

    def byte_spans(self, document_id: int, spans: Int64Array) -> list[tuple[int | None, int | None]]:
        """The bytes of each span.

        Raises:
            QueryError: as `without`.
        """
        if self.bytes is None or self.tokenizer is None:
            return [(None, None)] * len(spans)
        token_ids = self.index.document_tokens(document_id)
        return [*self._data(document_id, token_ids, self.tokenizer.decode(token_ids), spans)[1]]

    def _data(
        self, document_id: int, token_ids: Int64Array, text: str, spans: Int64Array
    ) -> tuple[bytes, list[tuple[int, int]]]:
        """A document's bytes, and of each span those whose characters lie in it whole."""
        if self.bytes is None or (data := self.bytes.join(token_ids)) != text.encode("utf-8"):
            raise _not_given_back(document_id, "the bytes of its tokens are not those of its text")
        offsets = np.concatenate(([0], np.cumsum(self.bytes.lengths[token_ids])))
        return data, [_whole_characters(data, start, end) for start, end in offsets[spans].tolist()]


def _not_given_back(document_id: int, why: str) -> QueryError:
    return QueryError(
        f"document {document_id} cannot be written: the index's tokenizer does not give back its text ({why}); write "
        "where the duplicates are with content='ranges' (--ranges) and cut the original"
    )


def _cut_rows(source: _Source, duplicates: Duplicates, text_field: str) -> Iterator[tuple[int, list[Row]]]:
    """For every document its number and its row."""
    found = iter(duplicates)
    nothing = np.empty((0, 2), dtype=np.int64)
    following = next(found, None)
    for document_id in range(source.index.n_documents):
        spans = nothing
        if following is not None and following.document_id == document_id:
            spans, following = following.spans, next(found, None)
        provenance = source.index.provenance(document_id)
        metadata = provenance.metadata
        if text_field in metadata:
            raise QueryError(
                f"document {document_id} has a metadata field {text_field!r}, and the text would be written under "
                "the same name; choose another with text_field=… (--text-field)"
            )
        row: Row = {text_field: source.without(document_id, spans), **metadata}
        if provenance.source is not None and provenance.source != metadata.get("path"):
            row.setdefault("source", provenance.source)
        if provenance.line is not None:
            row.setdefault("line", provenance.line)
        yield document_id, [row]


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
