"""Texts for evaluation: documents as token ids of the index."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from infgram.arguments import at_least
from infgram.corpus import Corpus
from infgram.errors import InputError, QueryError
from infgram.index import Index, tokenizer_or_none
from infgram.reprs import ShortRepr
from infgram.types import Int64Array

MAX_TOKENS: Final = 5_000_000
"""Maximum number of tokens without an explicit `max_tokens`."""

BYTES_PER_TOKEN: Final = 5000
"""Approximate memory of an evaluation per token of its longer text."""


@dataclass(frozen=True)
class EvaluationText(ShortRepr):
    """Documents for an evaluation, and the size of their scored text.

    Attributes:
        documents: int64 token ids of each document.
        names: name of each document.
        n_bytes: UTF-8 bytes of all tokens but each document's first.
        n_words: words, separated by white space, of the same tokens.
    """

    documents: tuple[Int64Array, ...]
    names: tuple[str, ...]
    n_bytes: int
    n_words: int

    @property
    def n_positions(self) -> int:
        """Number of scored tokens: all but each document's first."""
        return sum(max(0, len(document) - 1) for document in self.documents)


def shared_documents(text: EvaluationText, tune: EvaluationText) -> int:
    """Count the documents of a text that are also in the tuning text; fitted weights look too good on them."""
    tuned = {document.tobytes() for document in tune.documents}
    return sum(document.tobytes() in tuned for document in text.documents if len(document))


def read_text(
    index: Index,
    inputs: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    text_field: str = "text",
    max_tokens: int | None = None,
) -> EvaluationText:
    """Read a corpus and encode it with the index's tokenizer.

    Args:
        index: an open index with a tokenizer.
        inputs: files, as for `infgram.build`.
        text_field: field of JSON lines that contains the text.
        max_tokens: maximum number of tokens of all documents together; all documents are truncated to the largest
            length that meets it. None reads everything.

    Raises:
        InputError: the corpus cannot be read, or has no position to score.
        QueryError: the index has no tokenizer, or the text is longer than `MAX_TOKENS` and `max_tokens` is None.
    """
    limit = None if max_tokens is None else at_least(max_tokens, 1, "max_tokens")
    if tokenizer_or_none(index) is None:
        raise QueryError(f"{index.paths[0]} has no tokenizer, so text cannot be evaluated; use an index of text")
    documents: list[Int64Array] = []
    names: list[str] = []
    for source in Corpus(inputs, text_field=text_field).documents():
        documents.append(index.tokenizer.encode(source.text))
        names.append(_name(source.metadata, len(names)))
    n_tokens = sum(map(len, documents))
    if max_tokens is None and n_tokens > MAX_TOKENS:
        raise QueryError(
            f"{inputs}: {n_tokens:,} tokens would take about {n_tokens * BYTES_PER_TOKEN / 2**30:.0f} GiB of memory; "
            "pass max_tokens (--max-tokens) to limit the number of evaluated tokens"
        )
    if limit is not None:
        cap = _cap([len(document) for document in documents], limit)
        documents = [document[:cap] for document in documents]
    texts = [index.tokenizer.decode(document[1:]) for document in documents]
    text = EvaluationText(
        documents=tuple(documents),
        names=tuple(names),
        n_bytes=sum(len(text.encode()) for text in texts),
        n_words=sum(len(text.split()) for text in texts),
    )
    if not text.n_positions:
        raise InputError(f"{inputs}: no token to score; expected a document of at least two tokens")
    return text


def _cap(lengths: Sequence[int], max_tokens: int) -> int:
    """Return the largest length for which the documents, truncated to it, have at most `max_tokens` in total."""
    ascending = np.sort(np.asarray(lengths, dtype=np.int64))
    kept = 0
    for number, length in enumerate(ascending.tolist()):
        n_longer = len(ascending) - number
        if kept + length * n_longer > max_tokens:
            return int((max_tokens - kept) // n_longer)
        kept += length
    return int(ascending[-1]) if len(ascending) else 0


def _name(metadata: object, number: int) -> str:
    """Return the document's name from its metadata, or its number."""
    if isinstance(metadata, dict):
        for field in ("id", "name", "title", "path", "url"):
            if field in metadata:
                return str(metadata[field])
    return f"document {number}"
