"""Build indexes for tests from token ids or texts, in temporary folders that are removed afterwards.

Only `build_tokens` and `build_texts` call the build functions of the package.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Sequence, Sized
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias, cast

import numpy as np
import numpy.typing as npt

import infgram
from tests.strategies import LARGEST_VOCABULARY, WIDTHS, Layout

ONE_SHARD = Layout(width=8, shards=1, threads=1)
BYTES_VOCABULARY = 255
MEMORY_FOLDER = Path("/dev/shm")
FITS_IN_MEMORY = 10_000  # tokens

Documents: TypeAlias = Sequence[Sequence[int]] | Sequence[npt.NDArray[np.integer[Any]]]


def build_tokens(documents: Documents, output: Path, *, vocab_size: int, layout: Layout = ONE_SHARD) -> infgram.Index:
    """Build an index of token ids, without a tokenizer."""
    return infgram.build_from_tokens(
        cast("Sequence[Sequence[int]]", documents),  # arrays are accepted as well
        output,
        vocab_size=vocab_size,
        token_width_bits=width_of(vocab_size, layout),
        threads=layout.threads,
        shard_tokens=_shard_tokens(documents, layout.shards),
    )


def build_texts(texts: Sequence[str], output: Path, *, layout: Layout = ONE_SHARD) -> infgram.Index:
    """Build an index of texts with the tokenizer `bytes`, from JSON lines with the document's number as metadata."""
    lines = output.with_suffix(".jsonl")
    rows = [json.dumps({"text": text, "number": number}) for number, text in enumerate(texts)]
    lines.write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")
    shard_tokens = _shard_tokens([text.encode() for text in texts], layout.shards)
    return infgram.build(lines, output, tokenizer="bytes", threads=layout.threads, shard_tokens=shard_tokens)


@contextmanager
def token_index(documents: Documents, *, vocab_size: int, layout: Layout = ONE_SHARD) -> Iterator[infgram.Index]:
    """Yield an index from `build_tokens` in a temporary folder."""
    with (
        temporary_folder(sum(map(len, documents))) as folder,
        build_tokens(documents, folder / "x.infgram", vocab_size=vocab_size, layout=layout) as index,
    ):
        yield index


@contextmanager
def text_index(texts: Sequence[str], *, layout: Layout = ONE_SHARD) -> Iterator[infgram.Index]:
    """Yield an index from `build_texts` in a temporary folder."""
    with (
        temporary_folder(sum(map(len, texts))) as folder,
        build_texts(texts, folder / "x.infgram", layout=layout) as index,
    ):
        yield index


@contextmanager
def union_index(parts: Sequence[Sequence[str]], *, layout: Layout = ONE_SHARD) -> Iterator[infgram.Index]:
    """Yield several indexes of texts, opened as a union."""
    with temporary_folder(sum(len(text) for part in parts for text in part)) as folder:
        paths = [folder / f"part{number}.infgram" for number in range(len(parts))]
        for part, path in zip(parts, paths, strict=True):
            build_texts(part, path, layout=layout).close()
        with infgram.open(paths) as index:
            yield index


@contextmanager
def temporary_folder(n_tokens: int) -> Iterator[Path]:
    """Yield a folder for one index, in memory if small and possible, since a test run builds thousands."""
    in_memory = n_tokens <= FITS_IN_MEMORY and os.access(MEMORY_FOLDER, os.W_OK)
    with tempfile.TemporaryDirectory(dir=MEMORY_FOLDER if in_memory else None) as folder:
        yield Path(folder)


def width_of(vocab_size: int, layout: Layout = ONE_SHARD) -> int:
    """Return the bits of a token: those of the layout, or more if the vocabulary requires it."""
    return next(width for width in WIDTHS if width >= layout.width and vocab_size <= LARGEST_VOCABULARY[width])


def _shard_tokens(documents: Sequence[Sized], shards: int) -> int:
    """Return the tokens per shard with which the documents are split into about `shards` shards."""
    return max(1, -(-sum(len(document) for document in documents) // shards))
