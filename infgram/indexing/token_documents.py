"""Documents that are token ids already: files of them, or whatever the caller iterates over."""

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
    """The size of the vocabulary, which all that know it must agree on.

    Raises:
        QueryError: nobody knows it, or they differ.
    """
    if vocab_size is not None:
        vocab_size = at_least(vocab_size, 1, "vocab_size")
    known = {
        "vocab_size": vocab_size,
        "the corpus": documents.vocab_size if isinstance(documents, TokenCorpus) else None,
        "the tokenizer": None if tokenizer is None else tokenizer.vocab_size,
    }
    said = {who: size for who, size in known.items() if size is not None}
    if not said:
        raise QueryError("vocab_size is missing; expected the number of token ids, or the tokenizer that made them")
    if len(set(said.values())) > 1:
        sizes = ", ".join(f"{who} has {size}" for who, size in said.items())
        raise QueryError(f"the vocabularies differ: {sizes} token ids; expected the tokenizer that made the ids")
    return next(iter(said.values()))


def token_batches(
    documents: TokenDocuments, vocab_size: int, first: int = 0
) -> Iterator[tuple[npt.NDArray[np.uint32], Int64Array]]:
    """Token ids of several documents end to end, and the length of each.

    Args:
        documents: read from the beginning.
        vocab_size: ids go from 0 to `vocab_size - 1`.
        first: the documents before this one are left out.

    Raises:
        QueryError: a document is no row of integers, or an id is outside the vocabulary.
        InputError: a file cannot be read.
    """
    n_before = 0
    for ids, lengths in _batches(documents, vocab_size):
        n_left_out = min(max(first - n_before, 0), len(lengths))
        n_before += len(lengths)
        if n_left_out < len(lengths):
            yield ids[int(lengths[:n_left_out].sum()) :], lengths[n_left_out:]


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
            f"document {number} has token ids from {ids.min()} to {ids.max()}; ids go from 0 to {vocab_size - 1}"
        )
    return ids.astype(np.uint32)
