"""Recognize the format of a file by its first bytes, and by its name where they are ambiguous."""

from __future__ import annotations

import codecs
import re
from typing import Final

from infgram.corpus.documents import ReadOptions, UnreadableError
from infgram.corpus.readers.formats import (
    ARROW_FILE,
    BY_NAME,
    JSON,
    JSON_LINES,
    PARQUET_FILE,
    TEXT,
    Format,
    format_of_name,
)
from infgram.corpus.readers.json_lines import json_object
from infgram.corpus.readers.json_values import is_array_of_objects
from infgram.corpus.readers.text import begins_as_utf8, in_encoding, other_encoding
from infgram.corpus.readers.text_field import TextField

_HEAD_BYTES: Final = 1 << 16  # searched for NUL bytes
_UTF16_ZEROS: Final = 0.3  # minimum share of NUL bytes at even or odd offsets in UTF-16 text
_OBJECT_BEGINS: Final = re.compile(rb'\{[ \t\r]*"')
_LFS_POINTER: Final = b"version https://git-lfs.github.com/spec/v"
_ARROW_STREAM: Final = b"\xff\xff\xff\xff"

_OTHER_KINDS: Final = (
    (b"%PDF-", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive (as .docx, .epub and .npz files are)"),
    (b"PK\x05\x06", "a ZIP archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\x89PNG\r\n\x1a\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF87a", "a GIF image"),
    (b"GIF89a", "a GIF image"),
    (b"RIFF", "a RIFF file (WebP, WAV or AVI)"),
    (b"OggS", "an Ogg file"),
    (b"ID3", "an MP3 file"),
    (b"\x7fELF", "a program (ELF)"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (b"Obj\x01", "an Avro file"),
    (b"ORC", "an ORC file"),
    (b"\x93NUMPY", "a NumPy array (token ids are read with --vocab-size)"),
    (b"\x04\x22\x4d\x18", "LZ4 data (decompress it first)"),
    (b"\x1f\x9d", "data of Unix compress (decompress it first)"),
    (b"\xff\x06\x00\x00sNaPpY", "Snappy data (decompress it first)"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a Microsoft Office document"),
    (b"{\\rtf", "an RTF document"),
)
_DUMPS: Final = (
    (re.compile(rb"\s*<mediawiki[\s>]"), "a MediaWiki dump, with articles inside markup", "WikiExtractor"),
    (re.compile(rb"WARC/\d"), "a WARC archive, with texts inside records", "warcio or trafilatura"),
)


def recognize(head: bytes, name: str, options: ReadOptions) -> Format:
    """Return the format of a file.

    Args:
        head: the first bytes of the content, decompressed; all of a short file.
        name: the name of the file, without a compression suffix such as `.gz`.
        options: the format, if the caller gave one, and the text field.

    Raises:
        UnreadableError: the file is neither text nor a table; the message names its kind.
    """
    if options.format != "auto":
        return BY_NAME[options.format]
    if head.startswith(_LFS_POINTER):
        raise UnreadableError("this is a Git LFS pointer, not the data; fetch the data first: git lfs pull")
    if head.startswith(b"PAR1"):
        return PARQUET_FILE
    if head.startswith((b"ARROW1", _ARROW_STREAM)):
        return ARROW_FILE
    named = format_of_name(name)
    if named in (PARQUET_FILE, ARROW_FILE):
        return named
    _check_is_text(head)
    if named is not None:
        return JSON if named is JSON_LINES and is_array_of_objects(head) else named
    format_ = _unnamed(head.removeprefix(codecs.BOM_UTF8).lstrip(), name, options.text_field.name)
    if format_ is TEXT:
        _check_no_nul(head)
    return format_


def holds_records(head: bytes, text_field: str) -> bool:
    """Return whether JSON with these first bytes is an array of objects or JSON lines, not a single value."""
    return is_array_of_objects(head) or _unnamed(head.removeprefix(codecs.BOM_UTF8).lstrip(), "x.x", text_field) != TEXT


def _unnamed(head: bytes, name: str, text_field: str) -> Format:
    """Return the format of a file without a known suffix: text, unless its first lines are JSON objects."""
    if is_array_of_objects(head) and "." not in name:
        return JSON
    if not head.startswith(b"{"):
        return TEXT
    first, line_feed, rest = head.partition(b"\n")
    fields = json_object(first)
    if fields is None:
        is_long = not line_feed and len(head) >= _HEAD_BYTES and _OBJECT_BEGINS.match(head) is not None
        return JSON if is_long else TEXT
    second, line_feed, _ = rest.lstrip().partition(b"\n")
    if not second:
        return JSON_LINES if TextField(text_field).is_in(fields) else TEXT
    is_other = not second.startswith(b"{") or (line_feed and json_object(second) is None)
    return TEXT if is_other else JSON_LINES


def _check_is_text(head: bytes) -> None:
    for magic, kind in _OTHER_KINDS:
        if head.startswith(magic) and not (magic.isalnum() and b"\0" not in head and begins_as_utf8(head)):
            raise UnreadableError(f"this is {kind}, not text or a table")
    if head[257:262] == b"ustar":
        raise UnreadableError("this is a tar archive; unpack it first")
    for pattern, kind, tool in _DUMPS:
        if pattern.match(head):
            raise UnreadableError(
                f"this is {kind}; extract them first, for instance with {tool}, or index the file unchanged with "
                "--format text"
            )
    encoding = other_encoding(head)
    if encoding is not None:
        raise UnreadableError(in_encoding(encoding))


def _check_no_nul(head: bytes) -> None:
    head = head[:_HEAD_BYTES]
    offset = head.find(b"\0")
    if offset < 0:
        return
    for encoding, high_bytes in (("UTF-16LE", head[1::2]), ("UTF-16BE", head[::2])):
        n_zeros = high_bytes.count(0)
        if high_bytes and n_zeros > _UTF16_ZEROS * len(high_bytes) and head.count(0) == n_zeros:
            raise UnreadableError(in_encoding(encoding))
    raise UnreadableError(
        f"this is binary data, not text: a NUL byte at byte offset {offset} (--format text reads it nevertheless)"
    )
