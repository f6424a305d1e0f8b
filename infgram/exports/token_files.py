"""Write files of token ids: `.npy`, and Megatron's `.bin` with its `.idx`; `TokenCorpus` reads them."""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import numpy as np

from infgram.errors import QueryError
from infgram.files.disk import atomic_file, storage_errors
from infgram.types import Int64Array

_MEGATRON_CODES: Final = {"<u2": 8, "<i4": 4, "<i8": 5}
_LONGEST_SEQUENCE: Final = 2**31 - 1  # tokens; Megatron stores lengths as int32


def write_npy(
    path: Path, documents: Iterable[tuple[int, Int64Array]], n_ids: int, largest_id: int, end_of_text: int
) -> None:
    """Write the tokens of each document, followed by the end-of-text id, as one row: uint16, or uint32 for large ids.

    Args:
        path: the file, which appears when it is complete.
        documents: the number and the token ids of each document.
        n_ids: the number of all ids, those of the ends included.
        largest_id: the largest id that may occur.
        end_of_text: the id after each document.

    Raises:
        QueryError: a document contains the end-of-text id.
        StorageError: the file cannot be written.
    """
    dtype = np.dtype("<u2" if largest_id <= 0xFFFF else "<u4")
    with storage_errors(f"write {path}"), atomic_file(path) as unfinished, open(unfinished, "wb") as file:
        header: dict[str, Any] = {"descr": dtype.str, "fortran_order": False, "shape": (n_ids,)}
        np.lib.format.write_array_header_1_0(file, header)
        for number, token_ids in documents:
            if (token_ids == end_of_text).any():
                raise QueryError(
                    f"document {number} contains the token id {end_of_text}, so that a reader would split it there; "
                    "choose another end_of_text (--end-of-text), such as the size of the vocabulary"
                )
            file.write(np.append(token_ids, end_of_text).astype(dtype).tobytes())


def write_megatron(
    path: Path, documents: Iterable[tuple[int, Int64Array]], largest_id: int, end_of_text: int | None
) -> None:
    """Write `.bin` and `.idx`: one sequence per document. Memory: 4 bytes per document.

    The ids are uint16, or int32 or int64 for large ids. Layout: `infgram.corpus.readers.megatron`.

    Args:
        path: the path of `.bin`; `.idx` is beside it. Both appear when they are complete.
        documents: the number and the token ids of each document.
        largest_id: the largest id that may occur.
        end_of_text: the id after each document; None for none.

    Raises:
        QueryError: a document is longer than the format supports.
        StorageError: a file cannot be written.
    """
    dtype = np.dtype("<u2" if largest_id <= 0xFFFF else "<i4" if largest_id < 2**31 else "<i8")
    end = np.array([] if end_of_text is None else [end_of_text], dtype=np.int64)
    lengths = array("i")
    index_path = path.with_suffix(".idx")
    with (
        storage_errors(f"write {path} and {index_path.name}"),
        atomic_file(index_path) as index,
        atomic_file(path) as data,
    ):
        with open(data, "wb") as file:
            for number, token_ids in documents:
                ids = np.append(token_ids, end)
                if len(ids) > _LONGEST_SEQUENCE:
                    raise QueryError(f"document {number} has {len(ids)} tokens; Megatron's files allow 2³¹ − 1")
                file.write(ids.astype(dtype).tobytes())
                lengths.append(len(ids))
        with open(index, "wb") as file:
            file.write(
                struct.pack("<9sQBQQ", b"MMIDIDX\0\0", 1, _MEGATRON_CODES[dtype.str], len(lengths), len(lengths) + 1)
            )
            sizes = np.array(lengths, dtype="<i4")
            file.write(sizes.tobytes())
            ends = np.cumsum(sizes, dtype="<i8") * dtype.itemsize
            file.write((ends - sizes.astype("<i8") * dtype.itemsize).tobytes())
            file.write(np.arange(len(lengths) + 1, dtype="<i8").tobytes())
