"""A look at documents of every part of the corpus, without reading all of it if it is large."""

from __future__ import annotations

import io
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any, Final

from infgram.corpus.documents import SourceDocument, UnreadableError
from infgram.corpus.options import ReadOptions
from infgram.corpus.readers.extras import PARQUET
from infgram.corpus.readers.formats import JSON_LINES, PARQUET_FILE, TEXT, Format
from infgram.corpus.reading import InputFile, Reading, format_of_content
from infgram.corpus.sampling import place_number
from infgram.corpus.sources.decompression import Compression, decompressed
from infgram.corpus.sources.files import CountingFile, CountingStream, Place
from infgram.errors import InputError

_LOOKS: Final = 32
_MOST_TIMES: Final = 4
_MOST_FILES: Final = 32  # of small ones, in one look
_READ_BYTES: Final = 8 << 10  # at once, so that hardly more is read than the documents take
_LINE_BYTES: Final = 1 << 20


@dataclass(frozen=True)
class SeenDocument:
    """A document of a look, or a piece of the input without one.

    Attributes:
        document: itself; None where there is none.
        look: the number of the look, from 0. The documents of one look are neighbours.
        size_bytes: what it takes of the input, as stored; what lies between two documents counts with the second.
    """

    document: SourceDocument | None
    look: int
    size_bytes: float


def peek(files: Sequence[InputFile], options: ReadOptions, n_bytes: int) -> Iterator[SeenDocument]:
    """Documents from places at about equal distances over the corpus; all of them if it has `n_bytes` or less.

    The bytes of the input are as likely to be looked at, whatever files they are in. Lines of JSON that are not
    compressed are read from anywhere in a file; of any other large file the beginning stands for the whole.

    Args:
        files: of the corpus.
        options: how they are read; what cannot be read is passed over.
        n_bytes: about so many bytes, as stored, are read.
    """
    total = sum(file.size_bytes for file in files)
    if total <= n_bytes:
        for number, file in enumerate(files):
            yield from _documents(file, options, file.size_bytes, number)
        return
    ends = list(accumulate(file.size_bytes for file in files))
    most = max(1, n_bytes // _LOOKS)
    heads: dict[int, list[Format | None]] = {}  # of the looks at the beginnings of files, the format of each
    n_read = 0.0
    for look in sorted(range(_LOOKS), key=place_number):  # so that those before any of them are spread, too
        at = (look * total + place_number(look) * total // 2**64) // _LOOKS
        number = bisect_right(ends, at)
        file = files[number]
        if n_read > _MOST_TIMES * n_bytes:  # of files that must be read whole
            break
        format_, compression = (TEXT, None) if file.size_bytes <= most else _kind(file, options)
        if format_ is TEXT:
            for seen in _texts_after(files, number, options, most, look):
                n_read += seen.size_bytes
                yield seen
        elif format_ is JSON_LINES and compression is None:
            lines = _lines_at(file, at - (ends[number] - file.size_bytes), most)
            yield from _documents(lines, options, lines.size_bytes, look)
        else:
            heads.setdefault(number, []).append(format_)
    for number, (format_, *others) in heads.items():
        yield from _head(files[number], format_, options, most, 1 + len(others), _LOOKS * (number + 1))


def _kind(file: InputFile, options: ReadOptions) -> tuple[Format | None, Compression | None]:
    """How a file is read; None if it cannot be."""
    try:
        with file.place.open() as raw, decompressed(raw, file.source) as (content, compression):
            return format_of_content(content, file.source, options), compression
    except (OSError, UnreadableError):
        return None, None


def _texts_after(
    files: Sequence[InputFile], number: int, options: ReadOptions, most: int, look: int
) -> Iterator[SeenDocument]:
    """The texts and small files behind one of them, round the end; not that one, or long ones would be seen most.

    A large file of another kind has looks of its own. If there is nothing else near, the one itself is read.
    """
    n_read = 0
    for step in range(1, min(_MOST_FILES, len(files) - 1) + 1):
        file = files[(number + step) % len(files)]
        if file.size_bytes > most and _kind(file, options)[0] is not TEXT:
            continue
        yield from _documents(file, options, file.size_bytes, look)
        n_read += file.size_bytes
        if n_read >= most:
            return
    if n_read == 0:
        yield from _documents(files[number], options, files[number].size_bytes, look)


def _head(
    file: InputFile, format_: Format | None, options: ReadOptions, most: int, n_looks: int, first_look: int
) -> Iterator[SeenDocument]:
    """The beginning of a file, as so many looks."""
    passed = 0.0
    for seen in _documents(file, options, most * n_looks, first_look, format_):
        passed += seen.size_bytes
        yield replace(seen, look=first_look + min(n_looks - 1, int(passed // most)))


def _documents(
    file: InputFile, options: ReadOptions, most: int, look: int, format_: Format | None = None
) -> Iterator[SeenDocument]:
    """Those in the first `most` bytes of a file, or a little more; all of them without a format.

    Bytes come many at once: those that come with a document are shared among it and the others before the next come.
    """
    if most >= file.size_bytes:
        format_ = None
    is_whole = format_ is None
    n_rows = _n_rows(file) if format_ is PARQUET_FILE else None
    slow = file if format_ is None or format_.seeks else replace(file, place=_Slowly(file.place))
    reading = Reading("", [slow], [], options, "skip")
    counted = come = 0.0
    held: list[SourceDocument] = []
    with suppress(InputError):  # no document in this one
        for document in reading.documents():
            now = _passed(reading.bytes_read, document, file, n_rows)
            if now > come:
                if held:
                    yield from _shared(held, look, come - counted)
                    counted, held = come, []
                if counted >= most and not is_whole:
                    return
                come = now
            held.append(document)
    yield from _shared(held, look, file.size_bytes - counted)


def _passed(bytes_read: int, document: SourceDocument, file: InputFile, n_rows: int | None) -> float:
    if n_rows is None or document.line is None:
        return float(bytes_read)
    return file.size_bytes * document.line / max(1, n_rows)


def _shared(documents: list[SourceDocument], look: int, size_bytes: float) -> Iterator[SeenDocument]:
    if not documents:
        yield SeenDocument(None, look, size_bytes)
    for document in documents:
        yield SeenDocument(document, look, size_bytes / len(documents))


def _n_rows(file: InputFile) -> int | None:
    """The rows of a Parquet file, which is not read from front to back."""
    try:
        with file.place.open() as raw:
            return int(PARQUET.load().ParquetFile(raw).metadata.num_rows)
    except Exception:  # noqa: BLE001  # whatever is wrong with it, its reader will say
        return None


def _lines_at(file: InputFile, begin: int, most: int) -> InputFile:
    """The whole lines in about `most` bytes of a file, as a file: from the first that begins behind `begin`."""
    try:
        with file.place.open() as raw, io.BufferedReader(raw, _LINE_BYTES) as content:
            content.seek(begin)
            if begin > 0:
                content.readline()
            data = content.read(most)
            data += content.readline()
    except OSError:
        data = b""
    return replace(file, place=_Held(data), size_bytes=len(data))


@dataclass(frozen=True)
class _Held:
    """A piece of a file that is in memory already."""

    data: bytes

    @contextmanager
    def open(self) -> Iterator[CountingStream]:
        yield CountingStream(io.BytesIO(self.data))


@dataclass(frozen=True)
class _Slowly:
    """A place that gives few bytes at a time, so that what is read is what the documents took."""

    place: Place

    def open(self) -> AbstractContextManager[CountingFile | CountingStream]:
        return self._open()

    @contextmanager
    def _open(self) -> Iterator[CountingStream]:
        with self.place.open() as raw:
            yield _SlowStream(raw)


class _SlowStream(CountingStream):
    def readinto(self, buffer: Any, /) -> int:
        return super().readinto(memoryview(buffer)[:_READ_BYTES])
