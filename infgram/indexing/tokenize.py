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
_WHILE_UNDER_WAY: Final = 3  # what a text and its ids take, in times the text's size
_MOST_TEXT: Final = 128 << 20  # bytes; what is read while an encoder is chosen, and enough for hundreds of threads
_BATCHES: Final = 8  # a thread, at least, if memory is short
_SMALL_CORPUS: Final = 4 << 20  # bytes; choosing an encoder for less takes longer than encoding it
_SAMPLE_WINDOWS: Final = 128
_WINDOW_CHARACTERS: Final = 4096

_METADATA: Final = json.JSONEncoder(separators=(",", ":"))


@dataclass
class Batch:
    """Documents that are encoded together.

    Attributes:
        documents: in order.
        size_bytes: of their texts, as they lie in memory.
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
        token_ids: of all documents end to end.
        lengths: the tokens of each document.
        metadata: of each document, as JSON; empty for none.
        sources: the name of each document's file; empty where the metadata give it as `path`, or there is no file.
        lines: the line of each document in its file, from 1; 0 for none.
    """

    token_ids: npt.NDArray[np.uint32]
    lengths: Int64Array
    metadata: list[bytes]
    sources: list[bytes]
    lines: Int64Array

    @classmethod
    def of_tokens(cls, token_ids: npt.NDArray[np.uint32], lengths: Int64Array) -> EncodedBatch:
        """Documents of which nothing else is known."""
        nothing = [b""] * len(lengths)
        return cls(token_ids, lengths, nothing, nothing, np.zeros(len(lengths), np.int64))

    def part(self, first: int, last: int) -> EncodedBatch:
        """The documents [first, last)."""
        begin, end = int(self.lengths[:first].sum()), int(self.lengths[:last].sum())
        return EncodedBatch(
            self.token_ids[begin:end],
            self.lengths[first:last],
            self.metadata[first:last],
            self.sources[first:last],
            self.lines[first:last],
        )


def tokenise(
    documents: Iterable[SourceDocument], tokenizer: Tokenizer, threads: int, in_flight_bytes: int = IN_FLIGHT_BYTES
) -> Iterator[EncodedBatch]:
    """Encode documents in order. Warns of the first one that does not decode to itself.

    Reading, choosing an encoder, encoding and the caller's writing overlap. The ids are those of `tokenizer`,
    whichever encoder is chosen.

    Args:
        documents: read on the caller's thread.
        tokenizer: the reference.
        threads: so many encode; 1 for none but the caller's.
        in_flight_bytes: memory for documents that are read and not yet yielded, and as much again where the
            package `tokenizers` encodes, whatever the number of threads. A document is never split: a longer one
            takes what it needs, in that package eighty times its length. On top comes what the encoders
            themselves take, about 120 MB and 16 MB for each thread.
    """
    lossless = LosslessCheck(tokenizer)
    batches = _batches(documents, min(_BATCH_BYTES, in_flight_bytes // (_WHILE_UNDER_WAY * _BATCHES * threads)))
    first, is_small = _read_first(batches, min(_SMALL_CORPUS, in_flight_bytes // (2 * _WHILE_UNDER_WAY)))
    slow = limited(tokenizer, in_flight_bytes)
    choose = (lambda: slow) if is_small else partial(bulk_encoder, tokenizer, _sample(first), threads, slow)
    if threads == 1:
        encoded = _encode_here(chain(first, batches), choose)
    else:
        most_bytes = min(_MOST_TEXT, in_flight_bytes // _WHILE_UNDER_WAY)
        encoded = _encode_beside(chain(first, batches), choose, threads, most_bytes)
    for batch, result in encoded:
        lossless.check(batch.documents, result.token_ids, result.lengths)
        yield result


def _read_first(batches: Iterator[Batch], enough_bytes: int) -> tuple[list[Batch], bool]:
    """The first few batches, and whether they are all there is."""
    first: list[Batch] = []
    size_bytes = 0
    for batch in batches:
        first.append(batch)
        size_bytes += batch.size_bytes
        if size_bytes >= enough_bytes:
            return first, False
    return first, True


def _sample(batches: list[Batch]) -> list[str]:
    """What lies in windows at equal distances over the documents end to end, about half a megabyte in all."""
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


def _encode_here(batches: Iterable[Batch], choose: Choose) -> Iterator[tuple[Batch, EncodedBatch]]:
    encode = choose()
    yield from ((batch, _encode(encode, batch)) for batch in batches)


def _encode_beside(
    batches: Iterable[Batch], choose: Choose, threads: int, most_bytes: int
) -> Iterator[tuple[Batch, EncodedBatch]]:
    """Encode on other threads, while this one reads and hands out what is ready."""
    under_way: deque[tuple[Batch, Future[EncodedBatch]]] = deque()
    size_bytes = 0
    pool = ThreadPoolExecutor(threads, thread_name_prefix="infgram-tokenise")
    try:
        choice = pool.submit(choose)  # the first task, for which all others wait
        for batch in batches:
            under_way.append((batch, pool.submit(_encode_as_chosen, choice, batch)))
            size_bytes += batch.size_bytes
            while under_way and (size_bytes > most_bytes or under_way[0][1].done()):
                size_bytes -= under_way[0][0].size_bytes
                yield _finished(under_way)
        while under_way:
            yield _finished(under_way)
    finally:
        pool.shutdown(cancel_futures=True)


def _finished(under_way: deque[tuple[Batch, Future[EncodedBatch]]]) -> tuple[Batch, EncodedBatch]:
    batch, future = under_way.popleft()
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
    """The bytes that an index keeps of the metadata of a document."""
    return _METADATA.encode(metadata).encode("ascii") if metadata else b""


def _source(document: SourceDocument) -> bytes:
    """The name of its file, unless the metadata say it."""
    if document.line is None and document.metadata.get("path") == document.source:
        return b""
    return document.source.replace("\0", "\\0").encode("utf-8")


_logger = logging.getLogger("infgram.indexing")


class LosslessCheck:
    """Decodes every document that is not known to come back, until one differs; warns of that one."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._keeps = tokenizer.keeps if isinstance(tokenizer, HuggingFaceTokenizer) else _not_known
        self._is_over = tokenizer.is_lossless

    def check(
        self, documents: Sequence[SourceDocument], token_ids: npt.NDArray[np.uint32], lengths: Int64Array
    ) -> None:
        """Look at the next documents: their ids end to end, and the length of each."""
        begin = 0
        for document, length in zip(documents, lengths.tolist(), strict=True):
            if self._is_over:
                return
            end = begin + length
            if not self._keeps(document.text) and self._tokenizer.decode(token_ids[begin:end]) != document.text:
                self._is_over = True
                place = document.source if document.line is None else f"{document.source}, line {document.line}"
                _logger.warning(
                    "the tokenizer does not give back every text as it was: the first document that differs is %s; "
                    "texts shown from this index are as the tokenizer decodes them",
                    place,
                )
            begin = end


def _not_known(text: str) -> bool:
    return False
