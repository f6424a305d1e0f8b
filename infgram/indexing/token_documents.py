"""Documents of token ids: token files, or any iterable of the caller."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from infgram.arguments import array, at_least, several
from infgram.corpus import TokenCorpus
from infgram.errors import QueryError
from infgram.tokenizers import Tokenizer
from infgram.types import Int64Array

TokenDocuments: TypeAlias = Iterable[Sequence[int] | npt.NDArray[np.integer[Any]]] | TokenCorpus


def vocabulary_of(documents: TokenDocuments, vocab_size: int | None, tokenizer: Tokenizer | None) -> int:
    """Return the vocabulary size, on which the argument, the corpus and the tokenizer must agree.

    Raises:
        QueryError: the vocabulary size is unknown, or the sizes differ.
    """
    if vocab_size is not None:
        vocab_size = at_least(vocab_size, 1, "vocab_size")
    known = {
        "vocab_size": vocab_size,
        "the corpus": documents.vocab_size if isinstance(documents, TokenCorpus) else None,
        "the tokenizer": None if tokenizer is None else tokenizer.vocab_size,
    }
    sizes = {name: size for name, size in known.items() if size is not None}
    if not sizes:
        raise QueryError("vocab_size is missing; expected the number of token ids, or the tokenizer that made them")
    if len(set(sizes.values())) > 1:
        listed = ", ".join(f"{name} has {size}" for name, size in sizes.items())
        raise QueryError(f"the vocabulary sizes differ: {listed} token ids; expected the tokenizer that made the ids")
    return next(iter(sizes.values()))


def token_batches(
    documents: TokenDocuments, vocab_size: int, first: int = 0
) -> Iterator[tuple[npt.NDArray[np.uint32], Int64Array]]:
    """Yield the token ids of several documents, concatenated, and the length of each document.

    Args:
        documents: the documents, read from the beginning.
        vocab_size: token ids are from 0 to `vocab_size - 1`.
        first: the number of documents to skip.

    Raises:
        QueryError: a document is not a sequence of integers, or a token id is outside the vocabulary.
        InputError: a file cannot be read.
    """
    n_before = 0
    for ids, lengths in _batches(documents, vocab_size):
        n_skipped = min(max(first - n_before, 0), len(lengths))
        n_before += len(lengths)
        if n_skipped < len(lengths):
            yield ids[int(lengths[:n_skipped].sum()) :], lengths[n_skipped:]


def _batches(documents: TokenDocuments, vocab_size: int) -> Iterator[tuple[npt.NDArray[np.uint32], Int64Array]]:
    if isinstance(documents, TokenCorpus):
        for batch in documents.batches(whole_documents=True):
            yield batch.token_ids, batch.lengths
        return
    for number, document in enumerate(several(documents, "documents", "sequences of token ids")):
        ids = _checked_ids(document, vocab_size, number)
        yield ids, np.array([len(ids)], dtype=np.int64)


def _checked_ids(
    document: Sequence[int] | npt.NDArray[np.integer[Any]], vocab_size: int, number: int
) -> npt.NDArray[np.uint32]:
    ids: npt.NDArray[Any] = array(
        document, f"document {number}", kinds="iu", ndim=1, expected="a flat sequence of integers"
    )
    if ids.size and not (int(ids.min()) >= 0 and int(ids.max()) < vocab_size):
        raise QueryError(
            f"document {number} has token ids from {ids.min()} to {ids.max()}; expected 0 to {vocab_size - 1}"
        )
    return ids.astype(np.uint32)
