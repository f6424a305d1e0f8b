"""Write folders as the package infini-gram does, so that tests need neither it nor a large corpus.

Its own sorter omits suffixes of small corpora if it uses several processors.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

_DTYPES = {8: "<u1", 16: "<u2", 32: "<u4"}


def write_shard(
    folder: Path,
    documents: Sequence[Sequence[int]],
    width: int,
    suffix: str = "",
    metadata: Sequence[Any] | None = None,
    *,
    is_sorted: bool = True,
) -> None:
    """Write the files of one shard, in the layout of infini-gram.

    Args:
        folder: the folder, which may exist.
        documents: at least one; each may be empty.
        width: the bits of a token.
        suffix: the end of the file names, such as `.0`.
        metadata: the other fields of each document; None for an index without them.
        is_sorted: whether to write the table.
    """
    folder.mkdir(parents=True, exist_ok=True)
    separator = np.array([2**width - 1], dtype=_DTYPES[width])
    parts = [np.append(separator, np.array(document, dtype=_DTYPES[width])).tobytes() for document in documents]
    text = b"".join(parts)
    (folder / f"tokenized{suffix}").write_bytes(text)
    if is_sorted:
        n_pointer_bytes = max(1, ((len(text) - 1).bit_length() + 7) // 8)
        places = sorted(range(0, len(text), width // 8), key=lambda place: text[place:])
        (folder / f"table{suffix}").write_bytes(b"".join(place.to_bytes(n_pointer_bytes, "little") for place in places))
    _write_starts(folder / f"offset{suffix}", parts)
    if metadata is not None:
        lines = [
            (json.dumps({"path": "a.jsonl", "linenum": number, "metadata": fields}) + "\n").encode()
            for number, fields in enumerate(metadata)
        ]
        (folder / f"metadata{suffix}").write_bytes(b"".join(lines))
        _write_starts(folder / f"metaoff{suffix}", lines)


def write_folder(
    folder: Path,
    documents: Sequence[Sequence[int]],
    width: int,
    n_shards: int = 1,
    version: int = 4,
    metadata: Sequence[Any] | None = None,
) -> None:
    """Write consecutive documents to shards of one folder (version 4), or to a subfolder for each (version 6)."""
    bounds = np.linspace(0, len(documents), min(n_shards, len(documents)) + 1).astype(int).tolist()
    for number, (begin, end) in enumerate(itertools.pairwise(bounds)):
        shard = folder if version == 4 else folder / f"{number:02}"
        suffix = f".{number}" if version == 4 else ""
        write_shard(shard, documents[begin:end], width, suffix, metadata and metadata[begin:end])


def _write_starts(path: Path, parts: Sequence[bytes]) -> None:
    lengths = [len(part) for part in parts[:-1]]
    path.write_bytes(np.cumsum([0, *lengths]).astype("<u8").tobytes())
