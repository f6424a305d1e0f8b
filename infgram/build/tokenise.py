"""Documents to token ids, on several threads, in order."""

from __future__ import annotations

import json
import logging
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from infgram.corpus import SourceDocument
from infgram.tokenizers import EncodeBatch, HuggingFaceTokenizer, Tokenizer, bulk_encoder
from infgram.types import Int64Array

_BATCH_CHARACTERS: Final = 1 << 20
_BATCH_DOCUMENTS: Final = 1024
_SMALL_CORPUS: Final = 8 << 20  # characters; choosing an encoder for less takes longer than encoding it
_SAMPLE_WINDOWS: Final = 128
_WINDOW_CHARACTERS: Final = 8192

_METADATA: Final = json.JSONEncoder(separators=(",", ":"))

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
    caller's writing overlap. The ids are those of `tokenizer`, whichever encoder is chosen.
    """
    lossless = _LosslessCheck(tokenizer)
    batches = _batches(documents)
    first, is_small = _read_first(batches)
    encode: EncodeBatch = tokenizer.encode_batch
    if not is_small:
        encode = bulk_encoder(tokenizer, _sample(first), threads)
    # Beside the fast encoder reading takes as long as encoding, so it counts for one thread.
    workers = threads if encode == tokenizer.encode_batch else threads - 1
    for batch, encoded in _encode_all(chain(first, batches), encode, workers):
        lossless.check(batch, encoded)
        yield encoded


def _read_first(batches: Iterator[Batch]) -> tuple[list[Batch], bool]:
    """The first few batches, and whether they are all there is."""
    first: list[Batch] = []
    n_characters = 0
    for batch in batches:
        first.append(batch)
        n_characters += batch.n_characters
        if n_characters >= _SMALL_CORPUS:
            return first, False
    return first, True


def _sample(batches: list[Batch]) -> list[str]:
    """What lies in windows at equal distances over the documents end to end, about a megabyte in all."""
    texts = [document.text for batch in batches for document in batch.documents]
    distance = max(_WINDOW_CHARACTERS, sum(map(len, texts)) // _SAMPLE_WINDOWS)
    sample, passed = [], 0
    for text in texts:
        end = passed + len(text)
        for window in range(passed - passed % distance, end, distance):
            piece = text[max(window - passed, 0) : max(window + _WINDOW_CHARACTERS - passed, 0)]
            if piece:
                sample.append(piece)
        passed = end
    return sample


def _encode_all(batches: Iterable[Batch], encode: EncodeBatch, workers: int) -> Iterator[tuple[Batch, EncodedBatch]]:
    if workers == 0:
        yield from ((batch, _encode(encode, batch)) for batch in batches)
        return
    under_way: deque[tuple[Batch, Future[EncodedBatch]]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="infgram-tokenise") as pool:
        try:
            for batch in batches:
                under_way.append((batch, pool.submit(_encode, encode, batch)))
                if len(under_way) > 2 * workers:
                    yield _finished(under_way)
            while under_way:
                yield _finished(under_way)
        finally:
            for _, future in under_way:
                future.cancel()


def _finished(under_way: deque[tuple[Batch, Future[EncodedBatch]]]) -> tuple[Batch, EncodedBatch]:
    batch, future = under_way.popleft()
    return batch, future.result()


def _batches(documents: Iterable[SourceDocument]) -> Iterator[Batch]:
    batch = Batch()
    for document in documents:
        batch.add(document)
        if batch.is_full:
            yield batch
            batch = Batch()
    if batch.documents:
        yield batch


def _encode(encode: EncodeBatch, batch: Batch) -> EncodedBatch:
    token_ids, lengths = encode([document.text for document in batch.documents])
    return EncodedBatch(token_ids, lengths, [_json(document.metadata) for document in batch.documents])


def _json(metadata: dict[str, Any]) -> bytes:
    return _METADATA.encode(metadata).encode("ascii") if metadata else b""


def _not_known(text: str) -> bool:
    return False


class _LosslessCheck:
    """Decodes every document that is not known to come back, until one differs."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._keeps = tokenizer.keeps if isinstance(tokenizer, HuggingFaceTokenizer) else _not_known
        self._is_over = tokenizer.is_lossless

    def check(self, batch: Batch, encoded: EncodedBatch) -> None:
        begin = 0
        for document, length in zip(batch.documents, encoded.lengths.tolist(), strict=True):
            if self._is_over:
                return
            token_ids = encoded.token_ids[begin : begin + length]
            begin += length
            if not self._keeps(document.text) and self._tokenizer.decode(token_ids) != document.text:
                self._is_over = True
                place = document.source if document.line is None else f"{document.source}, line {document.line}"
                _logger.warning(
                    "the tokenizer does not give back every text as it was: the first document that differs is %s; "
                    "texts shown from this index are as the tokenizer decodes them",
                    place,
                )
