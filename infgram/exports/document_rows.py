"""The documents of an index as rows: text or token ids, metadata and origin."""

from __future__ import annotations

from typing import Final

from infgram.errors import QueryError
from infgram.exports.rows_file import Row
from infgram.index import Index, tokenizer_or_none
from infgram.types import Int64Array

_REPLACEMENT: Final = "\ufffd"


class DocumentRows:
    """Rows of documents whose text is reproduced exactly.

    Attributes:
        index: the index.
        tokenizer: its tokenizer; None for an index of token ids without one.
        bytes: the bytes of each token; None if the tokenizer is not lossless.
    """

    def __init__(self, index: Index, text_field: str, advice: str) -> None:
        """Prepare the rows of an index.

        Args:
            index: the index.
            text_field: the field for the text or the token ids.
            advice: what to do about a document whose text cannot be reproduced, for messages.
        """
        self.index = index
        self._advice = advice
        self.tokenizer = tokenizer_or_none(index)
        self._text_field = text_field
        is_lossless = self.tokenizer is not None and self.tokenizer.is_lossless
        self.bytes = self.tokenizer.token_bytes() if self.tokenizer is not None and is_lossless else None

    def check_text(self) -> None:
        """Check that the text of documents can be reproduced.

        Raises:
            QueryError: the index has no tokenizer, or the tokenizer is not lossless.
        """
        if self.tokenizer is None:
            raise QueryError(f"the index has no tokenizer, so its documents have no text; {self._advice}")
        if not self.tokenizer.is_lossless:
            raise QueryError(
                "documents cannot be written: the tokenizer of the index is not known to be lossless, so the text "
                f"might be altered; {self._advice}"
            )

    def row(self, document_id: int, content: str | list[int]) -> Row:
        """Return the row of a document: its content, its metadata, and `source` and `line`.

        Metadata fields named `source` or `line` take precedence; the source of a text file is in `path`.

        Raises:
            QueryError: the document has a metadata field with the name of the text field.
        """
        provenance = self.index.provenance(document_id)
        metadata = provenance.metadata
        if self._text_field in metadata:
            raise QueryError(
                f"document {document_id} has a metadata field {self._text_field!r}, the name of the text field; "
                "choose another with text_field=… (--text-field)"
            )
        row: Row = {self._text_field: content, **metadata}
        if provenance.source is not None and provenance.source != metadata.get("path"):
            row.setdefault("source", provenance.source)
        if provenance.line is not None:
            row.setdefault("line", provenance.line)
        return row

    def text(self, document_id: int, token_ids: Int64Array) -> str:
        """Return the text of a document. REQUIRES a tokenizer.

        Raises:
            QueryError: the bytes of its tokens are not those of its text.
        """
        text = self.tokenizer.decode(token_ids) if self.tokenizer is not None else ""
        if _REPLACEMENT in text:
            self.data(document_id, token_ids, text)
        return text

    def data(self, document_id: int, token_ids: Int64Array, text: str) -> tuple[bytes, Int64Array]:
        """Return the bytes of a document, and the number of bytes of each token.

        Raises:
            QueryError: the bytes of its tokens are not those of its text.
        """
        if self.bytes is None or (data := self.bytes.join(token_ids)) != text.encode("utf-8"):
            raise QueryError(
                f"document {document_id} cannot be written: the tokenizer of the index does not reproduce its text (the"
                f" bytes of its tokens are not those of its text); {self._advice}"
            )
        return data, self.bytes.lengths[token_ids]
