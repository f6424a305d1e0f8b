"""Sample documents from every part of the corpus without reading all of a large one."""

from __future__ import annotations

import io
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any, Final

from infgram.corpus.documents import ReadOptions, SourceDocument, UnreadableError
from infgram.corpus.readers.extras import PARQUET
from infgram.corpus.readers.formats import JSON_LINES, PARQUET_FILE, TEXT, Format
from infgram.corpus.reading import Reading, format_of_content
from infgram.corpus.sampling import mixed_bits
from infgram.corpus.sources.decompression import Compression, decompressed
from infgram.corpus.sources.files import CountingFile, CountingStream, FileLocation, InputFile
from infgram.errors import InputError

_LOOKS: Final = 32  # sampled places
_MAX_EXCESS: Final = 4  # times the requested bytes
_MAX_FILES: Final = 32  # small files in one look
_READ_BYTES: Final = 8 << 10  # per read, so that little is read beyond the documents
_LINE_BYTES: Final = 1 << 20


@dataclass(frozen=True)
class SeenDocument:
    """A sampled document, or a piece of the input without a document.

    Attributes:
        document: the document; None for a piece without one.
        look: the number of the sampled place, from 0; the documents of one look are adjacent.
        size_bytes: its share of the input, as stored; bytes between two documents count for the second.
    """

    document: SourceDocument | None
    look: int
    size_bytes: float


def peek(files: Sequence[InputFile], options: ReadOptions, n_bytes: int) -> Iterator[SeenDocument]:
    """Yield documents from places about equally spaced over the corpus; all documents of a corpus of up to `n_bytes`.

    All bytes of the input are about equally likely to be sampled, whatever the sizes of the files. Uncompressed JSON
    lines are sampled anywhere in a file. Any other large file is represented by its beginning.

    Args:
        files: the files of the corpus.
        options: the read options; input that cannot be read is skipped.
        n_bytes: the approximate number of bytes to read, as stored.
    """
    total = sum(file.size_bytes for file in files)
    if total <= n_bytes:
        for number, file in enumerate(files):
            yield from _documents(file, options, file.size_bytes, number)
        return
    ends = list(accumulate(file.size_bytes for file in files))
    max_bytes = max(1, n_bytes // _LOOKS)
    heads: dict[int, list[Format | None]] = {}  # file number to the format, once for each look at its beginning
    n_read = 0.0
    for look in sorted(range(_LOOKS), key=mixed_bits):  # in random order, so that the first looks are spread, too
        at = (look * total + mixed_bits(look) * total // 2**64) // _LOOKS
        number = bisect_right(ends, at)
        file = files[number]
        if n_read > _MAX_EXCESS * n_bytes:  # text files are read whole
            break
        format_, compression = (TEXT, None) if file.size_bytes <= max_bytes else _kind(file, options)
        if format_ is TEXT:
            for seen in _texts_after(files, number, options, max_bytes, look):
                n_read += seen.size_bytes
                yield seen
        elif format_ is JSON_LINES and compression is None:
            lines = _lines_at(file, at - (ends[number] - file.size_bytes), max_bytes)
            yield from _documents(lines, options, lines.size_bytes, look)
        else:
            heads.setdefault(number, []).append(format_)
    for number, (format_, *others) in heads.items():
        yield from _head(files[number], format_, options, max_bytes, 1 + len(others), _LOOKS * (number + 1))


def _kind(file: InputFile, options: ReadOptions) -> tuple[Format | None, Compression | None]:
    """Return the format and the compression of a file; None if it cannot be read."""
    try:
        with file.location.open() as raw, decompressed(raw, file.source) as (content, compression):
            return format_of_content(content, file.source, options), compression
    except (OSError, UnreadableError):
        return None, None


def _texts_after(
    files: Sequence[InputFile], number: int, options: ReadOptions, max_bytes: int, look: int
) -> Iterator[SeenDocument]:
    """Yield the text files and small files that follow a file, cyclically.

    The file itself is not read, since long files are hit more often and would be over-represented. Large files of
    other formats have looks of their own. If no file follows, the file itself is read.
    """
    n_read = 0
    for step in range(1, min(_MAX_FILES, len(files) - 1) + 1):
        file = files[(number + step) % len(files)]
        if file.size_bytes > max_bytes and _kind(file, options)[0] is not TEXT:
            continue
        yield from _documents(file, options, file.size_bytes, look)
        n_read += file.size_bytes
        if n_read >= max_bytes:
            return
    if n_read == 0:
        yield from _documents(files[number], options, files[number].size_bytes, look)


def _head(
    file: InputFile, format_: Format | None, options: ReadOptions, max_bytes: int, n_looks: int, first_look: int
) -> Iterator[SeenDocument]:
    """Yield the documents at the beginning of a file, divided into `n_looks` looks."""
    passed = 0.0
    for seen in _documents(file, options, max_bytes * n_looks, first_look, format_):
        passed += seen.size_bytes
        yield replace(seen, look=first_look + min(n_looks - 1, int(passed // max_bytes)))


def _documents(
    file: InputFile, options: ReadOptions, max_bytes: int, look: int, format_: Format | None = None
) -> Iterator[SeenDocument]:
    """Yield the documents in about the first `max_bytes` of a file; all documents if there is no format.

    Bytes are read in blocks. The bytes of a block are divided equally among the documents that it completes.
    """
    if max_bytes >= file.size_bytes:
        format_ = None
    is_whole = format_ is None
    n_rows = _n_rows(file) if format_ is PARQUET_FILE else None
    slow = file if format_ is None or format_.seeks else replace(file, location=_SmallReads(file.location))
    reading = Reading("", [slow], [], options, "skip")
    yielded_bytes = read_bytes = 0.0
    block: list[SourceDocument] = []
    with suppress(InputError):  # no document in this file
        for document in reading.documents():
            position = _passed(reading.bytes_read, document, file, n_rows)
            if position > read_bytes:
                if block:
                    yield from _shared(block, look, read_bytes - yielded_bytes)
                    yielded_bytes, block = read_bytes, []
                if yielded_bytes >= max_bytes and not is_whole:
                    return
                read_bytes = position
            block.append(document)
    yield from _shared(block, look, file.size_bytes - yielded_bytes)


def _passed(bytes_read: int, document: SourceDocument, file: InputFile, n_rows: int | None) -> float:
    """Return the bytes of a file up to the end of a document; for Parquet in proportion to the rows."""
    if n_rows is None or document.line is None:
        return float(bytes_read)
    return file.size_bytes * document.line / max(1, n_rows)


def _shared(documents: list[SourceDocument], look: int, size_bytes: float) -> Iterator[SeenDocument]:
    if not documents:
        yield SeenDocument(None, look, size_bytes)
    for document in documents:
        yield SeenDocument(document, look, size_bytes / len(documents))


def _n_rows(file: InputFile) -> int | None:
    """Return the number of rows of a Parquet file, which is not read sequentially."""
    try:
        with file.location.open() as raw:
            return int(PARQUET.load().ParquetFile(raw).metadata.num_rows)
    except Exception:  # noqa: BLE001  # the reader reports the error
        return None


def _lines_at(file: InputFile, begin: int, max_bytes: int) -> InputFile:
    """Return about `max_bytes` of whole lines as a file, from the first line that begins after `begin`."""
    try:
        with file.location.open() as raw, io.BufferedReader(raw, _LINE_BYTES) as content:
            content.seek(begin)
            if begin > 0:
                content.readline()
            data = content.read(max_bytes)
            data += content.readline()
    except OSError:
        data = b""
    return replace(file, location=_InMemory(data), size_bytes=len(data))


@dataclass(frozen=True)
class _InMemory:
    """A piece of a file in memory."""

    data: bytes

    @contextmanager
    def open(self) -> Iterator[CountingStream]:
        yield CountingStream(io.BytesIO(self.data))


@dataclass(frozen=True)
class _SmallReads:
    """A location that returns few bytes per read, so that the bytes read match the documents yielded."""

    location: FileLocation

    def open(self) -> AbstractContextManager[CountingFile | CountingStream]:
        return self._open()

    @contextmanager
    def _open(self) -> Iterator[CountingStream]:
        with self.location.open() as raw:
            yield _SmallReadStream(raw)


class _SmallReadStream(CountingStream):
    def readinto(self, buffer: Any, /) -> int:
        return super().readinto(memoryview(buffer)[:_READ_BYTES])
