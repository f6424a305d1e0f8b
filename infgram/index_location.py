"""`infgram.open`: open an index from a local path, a URL or a Ray cluster."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import get_args

from infgram.arguments import choice, path as checked_path, several
from infgram.errors import QueryError, TokenizerError
from infgram.index import Index, StrPath
from infgram.infini_gram import InfiniGramIndex, is_infini_gram
from infgram.tokenizers import Tokenizer, resolve
from infgram.types import Load


def open(
    path: StrPath | Iterable[StrPath],
    *,
    load: Load = "map",
    tokenizer: StrPath | Tokenizer | None = None,
    vocab_size: int | None = None,
) -> Index:
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
        tokenizer: the tokenizer of an index that the package infini-gram made, which does not contain it: a path, a
            name or a `Tokenizer`, as for `build`; without, such an index accepts token ids only. An index of infgram
            contains its tokenizer, and one given must give the same token ids.
        vocab_size: the size of the vocabulary of an index that infini-gram made, without its tokenizer; None for the
            largest token id that occurs, plus 1, if that is at most 2**20. An index of infgram contains it.

    Returns:
        The open index. Use it in a `with` statement or call `close()`.

    Raises:
        IndexNotFoundError: there is no index at a path.
        IndexDamagedError: the files of an index are inconsistent.
        IndexVersionError: this version cannot read the format.
        TokenizerError: the indexes were built with different tokenizers, or the given one is not theirs.
        InputError: an index of infini-gram is reversed, or lacks shards.
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
        folders = [Path(part) for part in paths]
        theirs = [is_infini_gram(folder) for folder in folders]
        if all(theirs):
            spec = os.fspath(tokenizer) if isinstance(tokenizer, os.PathLike) else tokenizer
            return InfiniGramIndex(folders, load=load, tokenizer=spec, vocab_size=vocab_size)
        if any(theirs):
            raise QueryError(
                f"{folders[theirs.index(True)]} was made by infini-gram and cannot be part of a union with indexes of "
                "infgram; convert it first: infgram convert FOLDER -o INDEX"
            )
        return _checked(Index(folders, load=load), tokenizer)
    origin = partial(_folders, [part if "://" in part else os.path.abspath(part) for part in paths])
    return _checked(Index(origin(), load=load, origin=origin), tokenizer)


def _checked(index: Index, tokenizer: StrPath | Tokenizer | None) -> Index:
    """Return an index that contains its tokenizer.

    Raises:
        TokenizerError: the given tokenizer gives other token ids.
    """
    if tokenizer is None:
        return index
    try:
        given = resolve(tokenizer) if isinstance(tokenizer, str | os.PathLike) else tokenizer
        if index.tokenizer.fingerprint != given.fingerprint:
            raise TokenizerError(
                f"{index.paths[0]} was built with another tokenizer than the given one; leave it out: the index "
                "contains its own"
            )
    except BaseException:
        index.close()
        raise
    return index


def _folders(paths: list[str]) -> list[Path]:
    return [_folder(path) for path in paths]


def _folder(path: str) -> Path:
    if "://" not in path:
        return Path(path)
    from infgram.cluster.storage.local_copy import local_copy

    return local_copy(path)
