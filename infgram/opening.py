"""`open`: from a place to an index, wherever its shards are."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import get_args

from infgram.arguments import choice, several
from infgram.arguments import path as checked_path
from infgram.errors import QueryError
from infgram.index import Index, StrPath
from infgram.types import Load


def open(path: StrPath | Iterable[StrPath], *, load: Load = "map") -> Index:
    """Open an index, or several as their union.

    Args:
        path: the folder of an index, or several folders built with one tokenizer. The documents of the union
            are numbered through the folders in order. Or `ray:///NAME`, an index that `infgram.cluster.deploy`
            has spread over a Ray cluster (`ray://ADDRESS:PORT/NAME` for a cluster elsewhere); or a URL that
            fsspec knows, such as `s3://bucket/index`, of which a copy is kept in a cache.
        load: `"map"` maps the files, so that only what is asked for is read; the directory, which every search
            reads, is asked for at once. `"warm"` reads them all before it returns; `"ram"` copies them into memory
            of this process, on huge pages where the system grants them. Answers are the same. Of no account for
            `ray://`, where it was chosen with `deploy`.

    Returns:
        The open index; use it in a `with` statement or call `close()`.

    Raises:
        IndexNotFoundError: a path is no index.
        IndexDamagedError, IndexVersionError: its files contradict themselves or are of another version.
        TokenizerError: the indexes were built with different tokenizers.
        MissingExtraError, ShardUnavailableError, StorageError: of a URL: what it needs is not installed, or it cannot
            be reached.
    """
    several_paths = [path] if isinstance(path, str | os.PathLike) else list(several(path, "path", "paths of indexes"))
    paths = [checked_path(part, "the path of an index") for part in several_paths]
    choice(load, "load", get_args(Load))
    if not paths:
        raise QueryError("no index given; expected at least one path")
    in_cluster = [part for part in paths if part.startswith("ray://")]
    if in_cluster:
        if len(paths) > 1:
            raise QueryError(f"{in_cluster[0]} is in a cluster and cannot be a part of a union; open it alone")
        from infgram.cluster.serving.connection import connect  # a single machine does not need it

        return connect(in_cluster[0])
    if not any("://" in part for part in paths):
        return Index([Path(part) for part in paths], load=load)
    origin = partial(_folders, [place if "://" in place else os.path.abspath(place) for place in paths])
    return Index(origin(), load=load, origin=origin)


def _folders(places: list[str]) -> list[Path]:
    return [_folder(place) for place in places]


def _folder(path: str) -> Path:
    if "://" not in path:
        return Path(path)
    from infgram.cluster.storage.local_copy import local_copy

    return local_copy(path)
