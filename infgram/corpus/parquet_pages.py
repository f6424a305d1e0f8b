"""How large the pages of a Parquet file are when they are decompressed, read from their headers alone.

pyarrow decompresses whatever a page's header says, up to 2 GiB, and has no limit to set; a file of a few kilobytes
could fill the memory. So every header is looked at before a page is. A header is a Thrift struct in the compact
protocol (Parquet format, `parquet.thrift`, `PageHeader`: field 2 is the size uncompressed, 3 compressed).
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any, Final

from infgram.corpus.documents import UnreadableError

_FIRST_READ: Final = 256  # bytes; a header with statistics may take more
_LONGEST_HEADER: Final = 1 << 24
_SIZES: Final = (2, 3)
_I32: Final = 5
_DEEPEST: Final = 8


def largest_page_bytes(raw: io.RawIOBase, metadata: Any) -> int:
    """The size of the largest page of a file, uncompressed.

    Args:
        raw: the file; its position is put back.
        metadata: its `pyarrow.parquet.FileMetaData`.

    Raises:
        UnreadableError: a header is none.
    """
    position = raw.tell()
    try:
        return max(
            (
                size_bytes
                for group in range(metadata.num_row_groups)
                for column in range(metadata.num_columns)
                for size_bytes in _page_sizes(raw, metadata.row_group(group).column(column))
            ),
            default=0,
        )
    finally:
        raw.seek(position)


def _page_sizes(raw: io.RawIOBase, chunk: Any) -> Iterator[int]:
    begin = chunk.data_page_offset
    if chunk.has_dictionary_page and 0 < chunk.dictionary_page_offset < begin:
        begin = chunk.dictionary_page_offset
    end = begin + chunk.total_compressed_size
    while begin < end:
        header_bytes, uncompressed, compressed = _header(raw, begin)
        yield uncompressed
        begin += header_bytes + compressed


def _header(raw: io.RawIOBase, at: int) -> tuple[int, int, int]:
    """The length of a page's header, and the page's size uncompressed and compressed."""
    n = _FIRST_READ
    while n <= _LONGEST_HEADER:
        raw.seek(at)
        data = raw.read(n) or b""
        reader = _Thrift(data)
        try:
            sizes = reader.read_struct()
        except IndexError:
            if len(data) < n:
                break
            n *= 16
            continue
        uncompressed, compressed = (sizes.get(field, -1) for field in _SIZES)
        if uncompressed < 0 or compressed < 0:
            break
        return reader.at, uncompressed, compressed
    raise UnreadableError(f"damaged Parquet data: expected the header of a page at byte {at}")


class _Thrift:
    """Reads one struct, of which it keeps the 32-bit integers; IndexError when the data end before it."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0

    def read_struct(self, depth: int = 0) -> dict[int, int]:
        if depth > _DEEPEST:
            raise UnreadableError("damaged Parquet data: the header of a page is nested too deeply")
        fields: dict[int, int] = {}
        field = 0
        while first := self._byte():
            delta, kind = first >> 4, first & 15
            field = field + delta if delta else self._zigzag()
            if kind == _I32:
                fields[field] = self._zigzag()
            else:
                self._skip(kind, depth)
        return fields

    def _skip(self, kind: int, depth: int) -> None:
        if kind in (1, 2):  # a truth value, which the kind itself says
            return
        if kind in (4, 5, 6):
            self._varint()
        elif kind == 3:
            self._advance(1)
        elif kind == 7:
            self._advance(8)
        elif kind == 8:
            self._advance(self._varint())
        elif kind == 12:
            self.read_struct(depth + 1)
        else:
            raise UnreadableError(f"damaged Parquet data: a field of type {kind} in the header of a page")

    def _advance(self, n: int) -> None:
        self.at += n
        if self.at > len(self._data):
            raise IndexError

    def _byte(self) -> int:
        self._advance(1)
        return self._data[self.at - 1]

    def _varint(self) -> int:
        value = shift = 0
        while shift < 70:
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7
        raise UnreadableError("damaged Parquet data: a number in the header of a page is too long")

    def _zigzag(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)
