"""Documents to token ids, on several threads, in order."""

from __future__ import annotations

import json
import logging
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from infgram.corpus import SourceDocument
from infgram.tokenizers import Tokenizer
from infgram.types import Int64Array

_BATCH_CHARACTERS: Final = 1 << 20
_BATCH_DOCUMENTS: Final = 1024

_logger = logging.getLogger("infgram.build")


@dataclass
class Batch:
    """Documents that are encoded together."""

    documents: list[SourceDocument] = field(default_factory=list)
    n_characters: int = 0

    def add(self, document: SourceDocument) -> None:
        """Append one document."""
        self.documents.append(document)
        self.n_characters += len(document.text)

    @property
    def is_full(self) -> bool:
        """Whether it is worth a thread's while."""
        return self.n_characters >= _BATCH_CHARACTERS or len(self.documents) >= _BATCH_DOCUMENTS


@dataclass(frozen=True)
class EncodedBatch:
    """Token ids end to end, and the length and metadata (JSON; empty for none) of each document."""

    token_ids: npt.NDArray[np.uint32]
    lengths: Int64Array
    metadata: list[bytes]


def tokenise(documents: Iterable[SourceDocument], tokenizer: Tokenizer, threads: int) -> Iterator[EncodedBatch]:
    """Encode documents in order. Warns of the first one that does not decode to itself.

    A few batches are under way at a time, so memory does not grow with the corpus; reading, encoding and the
    caller's writing overlap.
    """
    lossless = _LosslessCheck(tokenizer)
    under_way: deque[tuple[Batch, Future[EncodedBatch]]] = deque()

    def finish_one() -> EncodedBatch:
        batch, future = under_way.popleft()
        encoded = future.result()
        lossless.check(batch, encoded)
        return encoded

    with ThreadPoolExecutor(threads, thread_name_prefix="infgram-tokenise") as pool:
        try:
            for batch in _batches(documents):
                under_way.append((batch, pool.submit(_encode, tokenizer, batch)))
                if len(under_way) > 2 * threads:
                    yield finish_one()
            while under_way:
                yield finish_one()
        finally:
            for _, future in under_way:
                future.cancel()


def _batches(documents: Iterable[SourceDocument]) -> Iterator[Batch]:
    batch = Batch()
    for document in documents:
        batch.add(document)
        if batch.is_full:
            yield batch
            batch = Batch()
    if batch.documents:
        yield batch


def _encode(tokenizer: Tokenizer, batch: Batch) -> EncodedBatch:
    token_ids, lengths = tokenizer.encode_batch([document.text for document in batch.documents])
    return EncodedBatch(token_ids, lengths, [_json(document.metadata) for document in batch.documents])


def _json(metadata: dict[str, Any]) -> bytes:
    return json.dumps(metadata, separators=(",", ":")).encode("ascii") if metadata else b""


class _LosslessCheck:
    """Decodes every document until one differs, unless the tokenizer is known to be lossless."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._is_over = tokenizer.is_lossless

    def check(self, batch: Batch, encoded: EncodedBatch) -> None:
        begin = 0
        for document, length in zip(batch.documents, encoded.lengths.tolist(), strict=True):
            if self._is_over:
                return
            token_ids = encoded.token_ids[begin : begin + length]
            begin += length
            if self._tokenizer.decode(token_ids) != document.text:
                self._is_over = True
                place = document.source if document.line is None else f"{document.source}, line {document.line}"
                _logger.warning(
                    "the tokenizer does not give back every text as it was: the first document that differs is %s; "
                    "texts shown from this index are as the tokenizer decodes them",
                    place,
                )
