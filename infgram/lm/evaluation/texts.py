"""The documents that models are evaluated on, in the index's tokens."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from infgram.arguments import at_least
from infgram.corpus import Corpus
from infgram.errors import InputError, QueryError
from infgram.index import Index, checked_index
from infgram.reprs import ShortRepr
from infgram.types import Int64Array

MOST_TOKENS: Final = 5_000_000
"""A longer text is evaluated only if the caller says how much of it."""

BYTES_A_TOKEN: Final = 5000
"""Memory that an evaluation takes for each token of the longer one of its texts, about."""


@dataclass(frozen=True)
class EvaluationText(ShortRepr):
    """Documents, and how much text their scored tokens stand for.

    Attributes:
        documents: token ids of each.
        names: of each, for people.
        n_bytes: of UTF-8, of all tokens but each document's first.
        n_words: runs of anything but white space, of the same tokens.
    """

    documents: tuple[Int64Array, ...]
    names: tuple[str, ...]
    n_bytes: int
    n_words: int

    @property
    def n_positions(self) -> int:
        """Tokens that are scored: all but each document's first."""
        return sum(max(0, len(document) - 1) for document in self.documents)


def shared_documents(text: EvaluationText, tune: EvaluationText) -> int:
    """Count the documents of a text that are in the text for tuning, too; weights fitted on them look too good."""
    tuned = {document.tobytes() for document in tune.documents}
    return sum(document.tobytes() in tuned for document in text.documents if len(document))


def read_text(
    index: Index,
    inputs: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    text_field: str = "text",
    max_tokens: int | None = None,
) -> EvaluationText:
    """Read a corpus and encode it as the index's was.

    Args:
        index: whose tokenizer is used.
        inputs: whatever `infgram.build` reads.
        text_field: the field of JSON lines that holds the text.
        max_tokens: of all documents together; the longest ones are cut after the same number of tokens, all of them
            at once, until that holds. None keeps everything.

    Raises:
        InputError: the corpus cannot be read, or holds nothing to score.
        QueryError: the index has no tokenizer, or the text is longer than `MOST_TOKENS` and `max_tokens` is None.
    """
    most = None if max_tokens is None else at_least(max_tokens, 1, "max_tokens")
    if checked_index(index)._tokenizer_or_none() is None:
        raise QueryError(f"{index.paths[0]} holds no tokenizer, so text cannot be evaluated; use an index of text")
    documents: list[Int64Array] = []
    names: list[str] = []
    for source in Corpus(inputs, text_field=text_field).documents():
        documents.append(index.tokenizer.encode(source.text))
        names.append(_name(source.metadata, len(names)))
    n_tokens = sum(map(len, documents))
    if max_tokens is None and n_tokens > MOST_TOKENS:
        raise QueryError(
            f"{inputs}: {n_tokens:,} tokens, which take about {n_tokens * BYTES_A_TOKEN / 2**30:.0f} GiB of memory, "
            "and a prediction of each model; say with max_tokens (--max-tokens) how many to evaluate"
        )
    if most is not None:
        cap = _cap([len(document) for document in documents], most)
        documents = [document[:cap] for document in documents]
    texts = [index.tokenizer.decode(document[1:]) for document in documents]
    text = EvaluationText(
        documents=tuple(documents),
        names=tuple(names),
        n_bytes=sum(len(text.encode()) for text in texts),
        n_words=sum(len(text.split()) for text in texts),
    )
    if not text.n_positions:
        raise InputError(f"{inputs}: nothing to score; expected a document of at least two tokens")
    return text


def _cap(lengths: Sequence[int], max_tokens: int) -> int:
    """The largest number so that the documents, cut after so many tokens each, have at most `max_tokens` together."""
    ascending = np.sort(np.asarray(lengths, dtype=np.int64))
    kept = 0
    for place, length in enumerate(ascending.tolist()):
        n_longer = len(ascending) - place
        if kept + length * n_longer > max_tokens:
            return int((max_tokens - kept) // n_longer)
        kept += length
    return int(ascending[-1]) if len(ascending) else 0


def _name(metadata: object, number: int) -> str:
    """The document's own name, where its metadata have one."""
    if isinstance(metadata, dict):
        for field in ("id", "name", "title", "path", "url"):
            if field in metadata:
                return str(metadata[field])
    return f"document {number}"
