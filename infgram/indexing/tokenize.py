"""Encode documents on several threads, in order."""

from __future__ import annotations

import json
import logging
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from infgram.corpus import SourceDocument
from infgram.tokenizers import EncodeBatch, HuggingFaceTokenizer, Tokenizer, bulk_encoder, limited
from infgram.types import Int64Array

Choose: TypeAlias = Callable[[], EncodeBatch]

IN_FLIGHT_BYTES: Final = 256 << 20

_BATCH_BYTES: Final = 1 << 20
_BATCH_DOCUMENTS: Final = 1024
_IN_FLIGHT_FACTOR: Final = 3  # memory of a text and its token ids, as a multiple of the size of the text
_MAX_TEXT: Final = 128 << 20  # bytes read while an encoder is chosen; enough for hundreds of threads
_BATCHES: Final = 8  # minimum number of batches per thread if memory is short
_SMALL_CORPUS: Final = 4 << 20  # bytes; for less, choosing an encoder takes longer than encoding
_SAMPLE_WINDOWS: Final = 128
_WINDOW_CHARACTERS: Final = 4096

_METADATA: Final = json.JSONEncoder(separators=(",", ":"))


@dataclass
class Batch:
    """Documents that are encoded together.

    Attributes:
        documents: the documents, in order.
        size_bytes: the size of their texts in memory.
    """

    documents: list[SourceDocument] = field(default_factory=list)
    size_bytes: int = 0

    def add(self, document: SourceDocument) -> None:
        """Append one document."""
        self.documents.append(document)
        self.size_bytes += sys.getsizeof(document.text)


@dataclass(frozen=True)
class EncodedBatch:
    """Encoded documents.

    Attributes:
        token_ids: the token ids of all documents, concatenated.
        lengths: the number of tokens of each document.
        metadata: the metadata of each document as JSON; empty for none.
        sources: the name of each document's file; empty if the metadata have it as `path`, or there is no file.
        lines: the line of each document in its file, from 1; 0 for none.
    """

    token_ids: npt.NDArray[np.uint32]
    lengths: Int64Array
    metadata: list[bytes]
    sources: list[bytes]
    lines: Int64Array

    @classmethod
    def of_tokens(cls, token_ids: npt.NDArray[np.uint32], lengths: Int64Array) -> EncodedBatch:
        """Return documents without metadata, source and line."""
        nothing = [b""] * len(lengths)
        return cls(token_ids, lengths, nothing, nothing, np.zeros(len(lengths), np.int64))

    def part(self, first: int, last: int) -> EncodedBatch:
        """Return the documents `[first, last)`."""
        begin, end = int(self.lengths[:first].sum()), int(self.lengths[:last].sum())
        return EncodedBatch(
            self.token_ids[begin:end],
            self.lengths[first:last],
            self.metadata[first:last],
            self.sources[first:last],
            self.lines[first:last],
        )


def tokenize(
    documents: Iterable[SourceDocument], tokenizer: Tokenizer, threads: int, in_flight_bytes: int = IN_FLIGHT_BYTES
) -> Iterator[EncodedBatch]:
    """Encode documents in order. Logs a warning about the first document that does not decode to its text.

    Reading, choosing an encoder, encoding and the caller's writing overlap. The token ids are those of `tokenizer`,
    whichever encoder is chosen.

    Args:
        documents: the documents, read on the caller's thread.
        tokenizer: the tokenizer that defines the token ids.
        threads: the number of encoding threads; 1 to encode on the caller's thread.
        in_flight_bytes: memory for documents that are read and not yet yielded, and the same amount again if the
            package `tokenizers` encodes, whatever the number of threads. Documents are not split: a longer document
            exceeds the limit, in that package by eighty times its length. The encoders need about 120 MB, and 16 MB
            per thread, in addition.
    """
    lossless = LosslessCheck(tokenizer)
    batches = _batches(documents, min(_BATCH_BYTES, in_flight_bytes // (_IN_FLIGHT_FACTOR * _BATCHES * threads)))
    first, is_small = _read_first(batches, min(_SMALL_CORPUS, in_flight_bytes // (2 * _IN_FLIGHT_FACTOR)))
    slow = limited(tokenizer, in_flight_bytes)
    choose = (lambda: slow) if is_small else partial(bulk_encoder, tokenizer, _sample(first), threads, slow)
    if threads == 1:
        encoded = _encode_on_this_thread(chain(first, batches), choose)
    else:
        max_bytes = min(_MAX_TEXT, in_flight_bytes // _IN_FLIGHT_FACTOR)
        encoded = _encode_in_pool(chain(first, batches), choose, threads, max_bytes)
    for batch, result in encoded:
        lossless.check(batch.documents, result.token_ids, result.lengths)
        yield result


def _read_first(batches: Iterator[Batch], enough_bytes: int) -> tuple[list[Batch], bool]:
    """Return the first batches, and whether they are all batches."""
    first: list[Batch] = []
    size_bytes = 0
    for batch in batches:
        first.append(batch)
        size_bytes += batch.size_bytes
        if size_bytes >= enough_bytes:
            return first, False
    return first, True


def _sample(batches: list[Batch]) -> list[str]:
    """Return pieces of text in equally spaced windows over the concatenated documents, about half a megabyte."""
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


def _encode_on_this_thread(batches: Iterable[Batch], choose: Choose) -> Iterator[tuple[Batch, EncodedBatch]]:
    encode = choose()
    yield from ((batch, _encode(encode, batch)) for batch in batches)


def _encode_in_pool(
    batches: Iterable[Batch], choose: Choose, threads: int, max_bytes: int
) -> Iterator[tuple[Batch, EncodedBatch]]:
    """Encode on a thread pool, while the caller's thread reads and yields the finished batches."""
    pending: deque[tuple[Batch, Future[EncodedBatch]]] = deque()
    size_bytes = 0
    pool = ThreadPoolExecutor(threads, thread_name_prefix="infgram-tokenize")
    try:
        choice = pool.submit(choose)  # all other tasks wait for this one
        for batch in batches:
            pending.append((batch, pool.submit(_encode_as_chosen, choice, batch)))
            size_bytes += batch.size_bytes
            while pending and (size_bytes > max_bytes or pending[0][1].done()):
                size_bytes -= pending[0][0].size_bytes
                yield _next_result(pending)
        while pending:
            yield _next_result(pending)
    finally:
        pool.shutdown(cancel_futures=True)


def _next_result(pending: deque[tuple[Batch, Future[EncodedBatch]]]) -> tuple[Batch, EncodedBatch]:
    batch, future = pending.popleft()
    return batch, future.result()


def _encode_as_chosen(choice: Future[EncodeBatch], batch: Batch) -> EncodedBatch:
    return _encode(choice.result(), batch)


def _batches(documents: Iterable[SourceDocument], enough_bytes: int) -> Iterator[Batch]:
    batch = Batch()
    for document in documents:
        batch.add(document)
        if batch.size_bytes >= enough_bytes or len(batch.documents) >= _BATCH_DOCUMENTS:
            yield batch
            batch = Batch()
    if batch.documents:
        yield batch


def _encode(encode: EncodeBatch, batch: Batch) -> EncodedBatch:
    token_ids, lengths = encode([document.text for document in batch.documents])
    documents = batch.documents
    return EncodedBatch(
        token_ids,
        lengths,
        [stored_metadata(document.metadata) for document in documents],
        [_source(document) for document in documents],
        np.fromiter((document.line or 0 for document in documents), np.int64, len(documents)),
    )


def stored_metadata(metadata: dict[str, Any]) -> bytes:
    """Return the bytes that an index stores for the metadata of a document."""
    return _METADATA.encode(metadata).encode("ascii") if metadata else b""


def _source(document: SourceDocument) -> bytes:
    """Return the name of the document's file; empty if the metadata have it as `path`."""
    if document.line is None and document.metadata.get("path") == document.source:
        return b""
    return document.source.replace("\0", "\\0").encode("utf-8")


_logger = logging.getLogger("infgram.indexing")


class LosslessCheck:
    """Checks that documents decode to their texts, and warns about the first one that does not.

    Documents that are certain to decode to their texts are not decoded.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._is_certain = tokenizer.keeps if isinstance(tokenizer, HuggingFaceTokenizer) else _never
        self._is_done = tokenizer.is_lossless

    def check(
        self, documents: Sequence[SourceDocument], token_ids: npt.NDArray[np.uint32], lengths: Int64Array
    ) -> None:
        """Check the next documents, given their concatenated token ids and the length of each."""
        begin = 0
        for document, length in zip(documents, lengths.tolist(), strict=True):
            if self._is_done:
                return
            end = begin + length
            if not self._is_certain(document.text) and self._tokenizer.decode(token_ids[begin:end]) != document.text:
                self._is_done = True
                origin = document.source if document.line is None else f"{document.source}, line {document.line}"
                _logger.warning(
                    "the tokenizer is not lossless: the first document that decodes to another text is %s; this index "
                    "shows texts as the tokenizer decodes them",
                    origin,
                )
            begin = end


def _never(text: str) -> bool:
    return False
