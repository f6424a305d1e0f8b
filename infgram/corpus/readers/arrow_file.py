"""Arrow files, as saved Hugging Face datasets hold them: a document a row."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import IO, Final

from infgram.corpus.documents import Skipped, SourceDocument, UnreadableError
from infgram.corpus.options import ReadOptions
from infgram.corpus.readers.arrow_messages import check_messages
from infgram.corpus.readers.arrow_rows import HELD_BYTES, arrow_errors, read_batches
from infgram.corpus.readers.extras import ARROW

_FILE_MAGIC: Final = b"ARROW1"
_BEFORE_STREAM: Final = 8  # the magic and its padding
_END_OF_STREAM: Final = b"\xff\xff\xff\xff\x00\x00\x00\x00"


def read_arrow(content: IO[bytes], source: str, options: ReadOptions) -> Iterator[SourceDocument | Skipped]:
    """The documents of one file in either layout, file or stream, and the rows that are none.

    A file is a stream between two magics, with a directory behind that is not needed to read it from the beginning.

    Raises:
        UnreadableError: the file is cut short or altered, or decompresses to too much. The mark at the end must be
            there: without it, one that is cut between two batches would pass for whole.
    """
    is_file = content.read(len(_FILE_MAGIC)) == _FILE_MAGIC
    _check_end(content, _FILE_MAGIC if is_file else _END_OF_STREAM)
    begin = _BEFORE_STREAM if is_file else 0
    check_messages(content, begin, max(options.longest_bytes, HELD_BYTES))
    content.seek(begin)
    with arrow_errors("Arrow"):
        stream = ARROW.load().ipc.open_stream(content)
        yield from read_batches(stream.schema, stream, source, options)


def _check_end(content: IO[bytes], mark: bytes) -> None:
    n_bytes = content.seek(0, os.SEEK_END)
    content.seek(max(0, n_bytes - len(mark)))
    if content.read() != mark:
        raise UnreadableError("truncated Arrow data: the mark at its end is missing")
