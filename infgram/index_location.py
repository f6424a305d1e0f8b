"""`infgram.open`: open an index from a local path, a URL or a Ray cluster."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import get_args

from infgram.arguments import choice, path as checked_path, several
from infgram.errors import QueryError
from infgram.index import Index, StrPath
from infgram.types import Load


def open(path: StrPath | Iterable[StrPath], *, load: Load = "map") -> Index:
    """Open an index, or the union of several indexes.

    Args:
        path: one of the following, or a sequence of folders and storage URLs for a union. A folder of an index. A
            URL that fsspec supports, such as `s3://bucket/index`, which is copied to a local cache. `ray:///NAME`
            (`ray://ADDRESS:PORT/NAME` for a remote cluster), an index that `infgram.cluster.deploy` has distributed
            over a Ray cluster. The indexes of a union must have one tokenizer; their documents are numbered
            consecutively, in the order of the paths.
        load: how the files are held; results are the same. `"map"` maps the files, so that the operating system reads
            pages on demand; it reads ahead the directory, which every search uses. `"warm"` reads all files before
            it returns. `"ram"` copies them into the memory of this process, on huge pages if available. Ignored for
            `ray://`, where `deploy` determines it.

    Returns:
        The open index. Use it in a `with` statement or call `close()`.

    Raises:
        IndexNotFoundError: there is no index at a path.
        IndexDamagedError: the files of an index are inconsistent.
        IndexVersionError: this version cannot read the format.
        TokenizerError: the indexes were built with different tokenizers.
        MissingExtraError: a URL needs a package that is not installed.
        ShardUnavailableError, StorageError: a URL cannot be reached.
    """
    several_paths = [path] if isinstance(path, str | os.PathLike) else list(several(path, "path", "paths of indexes"))
    paths = [checked_path(part, "the path of an index") for part in several_paths]
    choice(load, "load", get_args(Load))
    if not paths:
        raise QueryError("no index given; expected at least one path")
    in_cluster = [part for part in paths if part.startswith("ray://")]
    if in_cluster:
        if len(paths) > 1:
            raise QueryError(f"{in_cluster[0]} is in a cluster and cannot be part of a union; open it alone")
        from infgram.cluster.serving.connection import connect  # not needed for local indexes

        return connect(in_cluster[0])
    if not any("://" in part for part in paths):
        return Index([Path(part) for part in paths], load=load)
    origin = partial(_folders, [part if "://" in part else os.path.abspath(part) for part in paths])
    return Index(origin(), load=load, origin=origin)


def _folders(paths: list[str]) -> list[Path]:
    return [_folder(path) for path in paths]


def _folder(path: str) -> Path:
    if "://" not in path:
        return Path(path)
    from infgram.cluster.storage.local_copy import local_copy

    return local_copy(path)
