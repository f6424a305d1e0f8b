"""The files of an index that infini-gram made, found by their names and sizes.

No file says what it is: width of tokens and number of documents follow from the sizes.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from infgram.errors import IndexDamagedError, IndexNotFoundError, InputError
from infgram.files.disk import storage_errors
from infgram.files.manifest import FILE_NAME as MANIFEST
from infgram.reprs import listed

REQUIRED: Final = ("tokenized", "table", "offset")
OPTIONAL: Final = ("metadata", "metaoff")
_NAME: Final = re.compile(r"tokenized(\.(?:0|[1-9][0-9]*))?")
_KINDS: Final = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
_SEPARATORS_READ: Final = 64
_OFFSET_BYTES: Final = 8


@dataclass(frozen=True)
class ShardFiles:
    """The files of one shard.

    Attributes:
        folder: their folder.
        suffix: the end of their names: `.0`, `.1`, … where a folder holds several shards, otherwise empty.
        token_width_bits: 8, 16 or 32.
        n_tokens: the number of tokens without separators.
        n_documents: the number of documents.
        sizes: the size of each file in bytes, by its name.
    """

    folder: Path
    suffix: str
    token_width_bits: int
    n_tokens: int
    n_documents: int
    sizes: dict[str, int]

    def path(self, name: str) -> Path:
        """Return the path of the file `tokenized`, `table`, `offset`, `metadata` or `metaoff`."""
        return self.folder / (name + self.suffix)

    @property
    def has_metadata(self) -> bool:
        """Whether metadata are stored."""
        return f"metadata{self.suffix}" in self.sizes


def is_infini_gram(folder: Path) -> bool:
    """Return whether a folder holds an index that infini-gram made, and not one of infgram.

    Raises:
        StorageError: it cannot be read.
    """
    with storage_errors(f"read {folder}"):
        if (folder / MANIFEST).exists() or not folder.is_dir():
            return False
    return bool(_suffixes(folder)) or any(_suffixes(child) for child in _subfolders(folder))


def find_shards(folder: Path) -> list[ShardFiles]:
    """Return the shards in a folder, in order: those with a number in their names, or one, or one in each subfolder.

    Raises:
        IndexNotFoundError: there is none.
        InputError: shards are missing, or differ in width, or there are other subfolders than those of shards.
        IndexDamagedError: a file is missing, or the sizes do not belong together.
    """
    suffixes = _suffixes(folder)
    places = [(folder, suffix) for suffix in suffixes] or [(child, "") for child in _shard_folders(folder)]
    if not places:
        raise IndexNotFoundError(f"{folder} holds no index of infini-gram: expected files named tokenized, table, …")
    numbers = [int(suffix[1:]) for suffix in suffixes if suffix]
    if "" in suffixes and numbers:
        raise InputError(f"{folder} holds both tokenized and tokenized.{numbers[0]}; expected shards of one index")
    if numbers != list(range(len(numbers))):
        raise InputError(
            f"{folder} holds the shards {', '.join(map(str, numbers))}; expected all from 0 on: copy the missing ones"
        )
    shards = [_shard(*place) for place in places]
    for shard in shards:
        if shard.token_width_bits != shards[0].token_width_bits:
            raise InputError(
                f"{shard.path('tokenized')} stores tokens in {shard.token_width_bits} bits and "
                f"{shards[0].path('tokenized')} in {shards[0].token_width_bits}; expected shards of one index"
            )
    return shards


def _shard_folders(folder: Path) -> list[Path]:
    """Return the subfolders, each with the files of one shard; nothing defines their names.

    Raises:
        InputError: some hold a shard, and others something else.
    """
    suffixes = {child: _suffixes(child) for child in _subfolders(folder)}
    others = [child.name for child, found in suffixes.items() if found != [""]]
    if others and any(suffixes.values()):
        raise InputError(
            f"{folder} holds folders that are not shards of one index: {listed(others)}; give the folder of one index"
        )
    return [] if others else list(suffixes)


def _suffixes(folder: Path) -> list[str]:
    with storage_errors(f"read {folder}"):
        found = [match[1] or "" for path in folder.iterdir() if (match := _NAME.fullmatch(path.name))]
    return sorted(found, key=lambda suffix: int(suffix[1:] or -1))


def _subfolders(folder: Path) -> list[Path]:
    with storage_errors(f"read {folder}"):
        return sorted(child for child in folder.iterdir() if child.is_dir() and not child.name.startswith("."))


def _shard(folder: Path, suffix: str) -> ShardFiles:
    sizes: dict[str, int] = {}
    for name in (*REQUIRED, *OPTIONAL):
        path = folder / (name + suffix)
        size_bytes = _size_bytes(path)
        if size_bytes is not None:
            sizes[path.name] = size_bytes
        elif name in REQUIRED:
            raise IndexDamagedError(f"{path} is missing; an unfinished build leaves no table: build it again")
    n_bytes, table_bytes, offset_bytes = (sizes[name + suffix] for name in REQUIRED)
    if offset_bytes == 0 or offset_bytes % _OFFSET_BYTES:
        raise IndexDamagedError(
            f"{folder / f'offset{suffix}'} has {offset_bytes} bytes; expected {_OFFSET_BYTES} for each document"
        )
    width = _token_bytes(folder, suffix, n_bytes, table_bytes)
    n_documents = offset_bytes // _OFFSET_BYTES
    missing = [name + suffix for name in OPTIONAL if name + suffix not in sizes]
    if len(missing) == 1:
        raise IndexDamagedError(f"{folder / missing[0]} is missing; copy the index again")
    n_tokens = n_bytes // width - n_documents
    if n_tokens < 0:
        raise IndexDamagedError(
            f"{folder / f'offset{suffix}'} holds {n_documents} documents, but {folder / f'tokenized{suffix}'} only "
            f"{n_bytes // width} tokens and separators; the files do not belong together"
        )
    return ShardFiles(folder, suffix, 8 * width, n_tokens, n_documents, sizes)


def _size_bytes(path: Path) -> int | None:
    """Return the size of a regular file; None if there is nothing at the path.

    Raises:
        IndexDamagedError: there is something else.
        StorageError: the operating system does not tell.
    """
    with storage_errors(f"read {path}"):
        try:
            status = path.stat()
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ELOOP):
                raise
            if not os.path.lexists(path):
                return None
            raise IndexDamagedError(f"{path} is a link that leads to no file; copy the index again") from error
    if not stat.S_ISREG(status.st_mode):
        kind = _KINDS.get(stat.S_IFMT(status.st_mode), "a device")
        raise IndexDamagedError(f"{path} is {kind}, not a regular file; copy the index again")
    return status.st_size


def _token_bytes(folder: Path, suffix: str, n_bytes: int, table_bytes: int) -> int:
    """Return the only width with which the table has a pointer of the expected size for each token.

    Raises:
        IndexDamagedError: there is none, or the text has no separators of this width.
    """
    pointer_bytes = max(1, ((n_bytes - 1).bit_length() + 7) // 8)
    table = folder / f"table{suffix}"
    for width in (1, 2, 4):
        if n_bytes and n_bytes % width == 0 and n_bytes // width * pointer_bytes == table_bytes:
            _check_separators(folder, suffix, width, n_bytes)
            return width
    expected = " or ".join(f"{n_bytes // width * pointer_bytes:,}" for width in (1, 2, 4))
    raise IndexDamagedError(
        f"{table} has {table_bytes:,} bytes; expected {expected}, which is {pointer_bytes} for each token of 8, 16 or "
        f"32 bits in {folder / f'tokenized{suffix}'}; the file was truncated, or its build is unfinished: build the "
        "index again"
    )


def _check_separators(folder: Path, suffix: str, width: int, n_bytes: int) -> None:
    """Check that documents, as far as they are sampled, begin where the separators are."""
    path = folder / f"offset{suffix}"
    with storage_errors(f"read {path}"):
        offsets = np.memmap(path, dtype="<u8", mode="r")
    text = folder / f"tokenized{suffix}"
    sampled = np.unique(np.linspace(0, len(offsets) - 1, min(len(offsets), _SEPARATORS_READ)).astype(np.int64))
    with storage_errors(f"read {text}"), open(text, "rb") as file:
        for document in sampled.tolist():
            begin = int(offsets[document])
            file.seek(min(begin, n_bytes))
            if begin % width or (document == 0) != (begin == 0) or file.read(width) != b"\xff" * width:
                raise IndexDamagedError(
                    f"{path}: document {document} does not begin with a separator of "
                    f"{8 * width} bits at byte {begin} of {text}; the files do not belong together"
                )
