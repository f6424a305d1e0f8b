"""Limit the decompressed size of Arrow data before pyarrow decodes it.

pyarrow's readers decompress each buffer to the size that it claims, without a limit, and pyarrow has neither a memory
pool with a limit nor access to the claimed sizes. A file of some kilobytes could therefore exhaust the memory. This
module reads only what it needs to prevent that: the metadata of each message, a FlatBuffer (Arrow's `Message.fbs`),
lists the buffers of the message body, and a compressed buffer begins with its decompressed size as an int64, or with
-1 if it is stored uncompressed.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import IO, Final

from infgram.corpus.documents import UnreadableError

_CONTINUATION: Final = 0xFFFFFFFF
_DICTIONARY_BATCH, _RECORD_BATCH = 2, 3
_LONGEST_METADATA: Final = 1 << 28


def check_messages(content: IO[bytes], begin: int, max_bytes: int) -> None:
    """Check that the decompressed buffers of every message take at most `max_bytes` together.

    Args:
        content: a seekable file.
        begin: the byte offset at which the stream begins.
        max_bytes: the maximum for one message.

    Raises:
        UnreadableError: a message exceeds the maximum or is damaged.
    """
    try:
        for metadata, body in _messages(content, begin):
            size_bytes = sum(_sizes(content, metadata, body))
            if size_bytes > max_bytes:
                raise UnreadableError(f"a batch of {size_bytes} bytes when decompressed, expected at most {max_bytes}")
    except (struct.error, OverflowError, ValueError) as error:
        raise UnreadableError(f"truncated or damaged Arrow data: {error}") from error


def _messages(content: IO[bytes], at: int) -> Iterator[tuple[bytes, int]]:
    """Yield the metadata of each message, and the byte offset of its body."""
    while True:
        content.seek(at)
        prefix = content.read(8)
        first = struct.unpack_from("<I", prefix)[0]
        n_prefix, n_bytes = (8, struct.unpack_from("<i", prefix, 4)[0]) if first == _CONTINUATION else (4, first)
        if n_bytes == 0:
            return
        if not 0 < n_bytes <= _LONGEST_METADATA:
            raise UnreadableError(f"damaged Arrow data: {n_bytes} bytes of metadata at byte {at}")
        content.seek(at + n_prefix)
        metadata = content.read(n_bytes)
        body = at + n_prefix + n_bytes
        yield metadata, body
        message = _Table.root(metadata)
        body_bytes = message.number(3, "<q")
        if body_bytes < 0:
            raise UnreadableError(f"damaged Arrow data: a message of {body_bytes} bytes at byte {at}")
        at = body + body_bytes


def _sizes(content: IO[bytes], metadata: bytes, body: int) -> Iterator[int]:
    """Yield the decompressed size of each compressed buffer."""
    message = _Table.root(metadata)
    kind = message.number(1, "<B")
    if kind not in (_DICTIONARY_BATCH, _RECORD_BATCH):
        return
    batch = message.table(2)
    if batch is not None and kind == _DICTIONARY_BATCH:
        batch = batch.table(1)
    if batch is None or batch.table(3) is None:
        return
    for offset, length in batch.pairs(2):
        if length > 0:
            content.seek(body + offset)
            size_bytes = struct.unpack("<q", content.read(8))[0]
            yield max(size_bytes, 0)


class _Table:
    """A table of a FlatBuffer. Raises ValueError or struct.error for an offset outside the data."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data, self._at = data, at
        self._fields = at - struct.unpack_from("<i", data, at)[0]
        if self._fields < 0:
            raise ValueError("a table without fields")

    @classmethod
    def root(cls, data: bytes) -> _Table:
        return cls(data, struct.unpack_from("<I", data)[0])

    def number(self, field: int, format_: str) -> int:
        at = self._position(field)
        return 0 if at is None else int(struct.unpack_from(format_, self._data, at)[0])

    def table(self, field: int) -> _Table | None:
        at = self._position(field)
        return None if at is None else _Table(self._data, self._follow(at))

    def pairs(self, field: int) -> list[tuple[int, int]]:
        """Return a vector of pairs of int64."""
        at = self._position(field)
        if at is None:
            return []
        at = self._follow(at)
        n = struct.unpack_from("<I", self._data, at)[0]
        if n > len(self._data) // 16:
            raise ValueError("a list longer than its message")
        return [struct.unpack_from("<qq", self._data, at + 4 + 16 * i) for i in range(n)]

    def _position(self, field: int) -> int | None:
        n_bytes = struct.unpack_from("<H", self._data, self._fields)[0]
        if 4 + 2 * field >= n_bytes:
            return None
        offset = int(struct.unpack_from("<H", self._data, self._fields + 4 + 2 * field)[0])
        return self._at + offset if offset else None

    def _follow(self, at: int) -> int:
        return at + int(struct.unpack_from("<I", self._data, at)[0])
