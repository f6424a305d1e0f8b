"""Arrow files, as saved Hugging Face datasets hold them: a document a row."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import IO, Final

from infgram.corpus.arrow_rows import arrow_errors, read_batches
from infgram.corpus.documents import Skipped, SourceDocument, UnreadableError
from infgram.corpus.extras import ARROW
from infgram.corpus.options import ReadOptions

_FILE_MAGIC: Final = b"ARROW1"
_END_OF_STREAM: Final = b"\xff\xff\xff\xff\x00\x00\x00\x00"


def read_arrow(content: IO[bytes], source: str, options: ReadOptions) -> Iterator[SourceDocument | Skipped]:
    """The documents of one file in either layout, file or stream, and the rows that are none.

    Raises:
        UnreadableError: the file is cut short or altered. A stream must end with its mark: without it, one that
            is cut between two batches would pass for whole.
    """
    ipc = ARROW.load().ipc
    is_file = content.read(len(_FILE_MAGIC)) == _FILE_MAGIC
    if not is_file:
        _check_end(content)
    content.seek(0)
    with arrow_errors("Arrow"):
        if is_file:
            file = ipc.open_file(content)
            batches = (file.get_batch(number) for number in range(file.num_record_batches))
            yield from read_batches(file.schema, batches, source, options)
        else:
            stream = ipc.open_stream(content)
            yield from read_batches(stream.schema, stream, source, options)


def _check_end(content: IO[bytes]) -> None:
    n_bytes = content.seek(0, os.SEEK_END)
    content.seek(max(0, n_bytes - len(_END_OF_STREAM)))
    if content.read() != _END_OF_STREAM:
        raise UnreadableError("truncated Arrow data: the mark that ends the stream is missing")
