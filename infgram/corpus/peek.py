"""A look at some documents of every part of the corpus, without reading all of it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from infgram.corpus.documents import SourceDocument
from infgram.corpus.options import ReadOptions
from infgram.corpus.reading import InputFile, Reading
from infgram.corpus.sampling import place_number
from infgram.errors import InputError

_MOST_FILES: Final = 1000
_FEWEST_FILES: Final = 4  # of large ones, as long as there are so many


def peek(files: Sequence[InputFile], options: ReadOptions, n_bytes: int) -> tuple[list[SourceDocument], int]:
    """The first documents of files that are chosen as by lot, the same ones every time.

    Args:
        files: of the corpus.
        options: how they are read; what cannot be read is passed over.
        n_bytes: about so many bytes, as stored, are read.

    Returns:
        The documents, and how many bytes, as stored, they took.
    """
    documents: list[SourceDocument] = []
    n_read = 0
    for number in sorted(range(len(files)), key=place_number)[:_MOST_FILES]:
        file = files[number]
        reading = Reading("", [file], [], options, "skip")
        most = max(1, min(n_bytes - n_read, n_bytes // _FEWEST_FILES))
        with suppress(InputError):  # no document in this one
            for document in reading.documents():
                documents.append(document)
                if reading.bytes_read >= most and most < file.size_bytes:
                    break
        n_read += reading.bytes_read
        if n_read >= n_bytes:
            break
    return documents, n_read
