"""Decompression. The first bytes of a file determine the compression, not its name."""

from __future__ import annotations

import bz2
import io
import lzma
import os
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any, Final, Literal, Protocol, TypeAlias

from infgram.corpus import documents
from infgram.corpus.documents import UnreadableError
from infgram.corpus.readers.text import begins_as_utf8

Compression: TypeAlias = Literal["gzip", "zstd", "bzip2", "xz"]

COMPRESSION_OF_SUFFIX: Final[dict[str, Compression]] = {
    ".gz": "gzip",
    ".gzip": "gzip",
    ".zst": "zstd",
    ".zstd": "zstd",
    ".bz2": "bzip2",
    ".xz": "xz",
}

_BUFFER_BYTES: Final = 1 << 20
_PIECE_BYTES: Final = 1 << 13  # input of one decompression step; damage loses at most the output of one step
_MAX_ZSTD_WINDOW_LOG: Final = 31  # `zstd --long=31`; the maximum of the format, 2 GiB
_BZIP2_BLOCK: Final = (b"1AY&SY", b"\x17rE8P\x90")  # the marks of a first block and of a file without blocks
_ZSTD_SKIPPABLE: Final = tuple(bytes([0x50 + i]) + b"\x2a\x4d\x18" for i in range(16))


@contextmanager
def decompressed(raw: io.RawIOBase, name: str) -> Iterator[tuple[io.BufferedReader[Any], Compression | None]]:
    """Open the decompressed content of a file: all members (gzip), frames (zstd) or streams (bzip2, xz).

    The data before any damage are read first; then the error is raised.

    Args:
        raw: the file as stored.
        name: the name of the file, to detect files that are named as compressed but are not.

    Raises:
        UnreadableError: while reading, if the compressed data are truncated or damaged.
    """
    with io.BufferedReader(raw, _BUFFER_BYTES) as stored:
        compression = _compression(stored.peek(1), name)
        if compression is None:
            yield stored, None
            return
        with io.BufferedReader(_Decompressing(stored, compression), _BUFFER_BYTES) as plain:
            yield plain, compression


def stem_of(name: str) -> str:
    """Return the base name in lower case, without a compression suffix such as `.gz`."""
    base = os.path.basename(name).lower()
    stem, suffix = os.path.splitext(base)
    return stem if suffix in COMPRESSION_OF_SUFFIX else base


def _compression(head: bytes, name: str) -> Compression | None:
    if head.startswith(b"\x1f\x8b\x08"):
        return "gzip"
    if head.startswith((b"\x28\xb5\x2f\xfd", *_ZSTD_SKIPPABLE)):
        return "zstd"
    if head.startswith(b"BZh") and head[4:10] in _BZIP2_BLOCK:
        return "bzip2"
    if head.startswith(b"\xfd7zXZ\x00"):
        return "xz"
    named = COMPRESSION_OF_SUFFIX.get(os.path.splitext(name)[1].lower())
    if named is None or _is_plain(head):
        return None
    reason = "the file is empty" if not head else "the magic number is missing"
    raise UnreadableError(f"truncated or damaged {named} data: {reason}")


def _is_plain(head: bytes) -> bool:
    """Return whether a file named as compressed is a plain table or text, as after a download that decompressed it."""
    if head.startswith((b"PAR1", b"ARROW1")):
        return True
    return bool(head) and not any(byte < 9 or byte == 127 for byte in head[:256]) and begins_as_utf8(head[:256])


class _Decompressor(Protocol):
    """The decompressor of one member, frame or stream, as in `bz2`, `lzma` and `zstd`."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _GzipMember:
    """The decompressor of one gzip member, which returns all data up to a damaged byte."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=31)
        self._is_full = False
        self._error: zlib.error | None = None

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail and not self._is_full and self._error is None

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        if self._error is not None:
            raise self._error
        data = self._inner.unconsumed_tail + data
        before = self._inner.copy()
        try:
            plain = self._inner.decompress(data, max_length)
        except zlib.error as error:
            self._error = error
            plain = _before_damage(before, data)
            if not plain:
                raise
        self._is_full = len(plain) >= max_length
        return plain


def _before_damage(inner: Any, data: bytes) -> bytes:
    """Decompress byte by byte up to the error, which the caller raises."""
    plain = bytearray()
    try:
        for at in range(len(data)):
            plain += inner.decompress(data[at : at + 1])
    except zlib.error:
        pass
    return bytes(plain)


class _Decompressing(io.RawIOBase):
    """A stream that returns all data before damage, and then raises the error."""

    def __init__(self, stored: io.BufferedReader[Any], compression: Compression) -> None:
        self._stored = stored
        self._compression = compression
        self._new = _decompressors(compression)
        self._one: _Decompressor = self._new()
        self._piece = b""  # compressed bytes not yet passed to the decompressor
        self._plain = memoryview(b"")  # decompressed bytes not yet returned
        self._n_stored = self._n_plain = 0  # bytes
        self._is_at_end = False
        self._error: UnreadableError | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        n = 0
        while n < len(buffer) and (self._plain or self._fill(len(buffer) - n)):
            part = self._plain[: len(buffer) - n]
            buffer[n : n + len(part)] = part
            self._plain = self._plain[len(part) :]
            n += len(part)
        if n == 0 and self._error is not None:
            raise self._error
        return n

    def _fill(self, max_bytes: int) -> bool:
        """Decompress more data; return False at the end of the file and at damage."""
        while not self._is_at_end and self._error is None:
            if self._one.eof and not self._begin_next():
                self._is_at_end = True
                break
            if self._one.needs_input and not self._piece:
                self._piece = self._read()
                if not self._piece:
                    self._error = self._damaged("the end mark is missing")
                    break
            piece, self._piece = (self._piece, b"") if self._one.needs_input else (b"", self._piece)
            try:
                plain = self._one.decompress(piece, max_bytes)
            except (EOFError, ValueError, OSError, zlib.error, lzma.LZMAError, zstd_module().ZstdError) as error:
                self._error = self._damaged(str(error))
                break
            if plain:
                self._n_plain += len(plain)
                if self._n_plain > documents.MAX_EXCESS_BYTES + documents.MAX_RATIO * self._n_stored:
                    self._error = UnreadableError(
                        f"{self._n_stored:,} bytes of {self._compression} data stand for more than "
                        f"{documents.MAX_RATIO:,} times as many; if this is right, decompress the file first"
                    )
                    break
                self._plain = memoryview(plain)
                return True
        return False

    def _begin_next(self) -> bool:
        """Begin the next member, frame or stream, if there is one; zeros before it are padding, except in zstd."""
        rest = self._one.unused_data or self._read()
        while rest and self._compression != "zstd" and not rest.strip(b"\0"):
            rest = self._read()
        self._piece = rest if self._compression == "zstd" else rest.lstrip(b"\0")
        self._one = self._new()
        return bool(rest)

    def _read(self) -> bytes:
        piece = self._stored.read1(_PIECE_BYTES)
        self._n_stored += len(piece)
        return piece

    def _damaged(self, reason: str) -> UnreadableError:
        return UnreadableError(f"truncated or damaged {self._compression} data: {reason}")


def _decompressors(compression: Compression) -> Callable[[], _Decompressor]:
    if compression == "gzip":
        return _GzipMember
    if compression == "bzip2":
        return bz2.BZ2Decompressor
    if compression == "xz":
        return lzma.LZMADecompressor
    zstd = zstd_module()
    options = {zstd.DecompressionParameter.window_log_max: _MAX_ZSTD_WINDOW_LOG}
    return lambda: zstd.ZstdDecompressor(options=options)


def zstd_module() -> ModuleType:
    """Return Python's zstd module, or the backport before Python 3.14."""
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    return zstd
