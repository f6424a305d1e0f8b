"""Copy documents of an open index into a new one, without encoding them again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np

from infgram.engine import Engine
from infgram.indexing.tokenize import EncodedBatch
from infgram.provenance import StoredMetadata
from infgram.types import Int64Array

_BATCH_TOKENS: Final = 1 << 18


def copied_documents(
    core: Engine, numbers: Int64Array, convert: Callable[[StoredMetadata, int], StoredMetadata] | None = None
) -> Iterator[tuple[EncodedBatch, Int64Array]]:
    """Yield documents with their numbers, in batches of about 2^18 tokens.

    Args:
        core: the index.
        numbers: the numbers of the documents, ascending.
        convert: returns what to store of a document, given what is stored and its number; None to copy it.
    """
    lengths = np.array([core.document_length(number) for number in numbers.tolist()], np.int64)
    cuts = np.flatnonzero(np.diff(np.cumsum(lengths) // _BATCH_TOKENS)) + 1
    for part, part_lengths in zip(np.split(numbers, cuts), np.split(lengths, cuts), strict=True):
        document_ids = part.tolist()
        if not document_ids:
            return
        stored = core.document_metadata(document_ids)
        if convert is not None:
            stored = [convert(each, number) for each, number in zip(stored, document_ids, strict=True)]
        yield (
            EncodedBatch(
                np.concatenate([core.document_tokens(number) for number in document_ids]).astype(np.uint32),
                part_lengths,
                [metadata for metadata, _, _ in stored],
                [source or b"" for _, source, _ in stored],
                np.array([line for _, _, line in stored], np.int64),
            ),
            part,
        )
