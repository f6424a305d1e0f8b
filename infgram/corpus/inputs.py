"""From what the user names (folders, files, patterns, URLs, standard input) to the files of the corpus."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile
from pathlib import Path
from typing import TypeAlias

from infgram.arguments import path as checked_path
from infgram.arguments import several
from infgram.corpus.documents import Skipped
from infgram.corpus.listing import found_at, walk
from infgram.corpus.patterns import Pattern, has_magic
from infgram.corpus.places import Found
from infgram.corpus.remote import list_remote
from infgram.corpus.saved_dataset import without_their_descriptions
from infgram.corpus.standard_input import STANDARD_INPUT, SpooledInput
from infgram.errors import InputError

StrPath: TypeAlias = str | os.PathLike[str]
Inputs: TypeAlias = StrPath | Sequence[StrPath]


@dataclass(frozen=True)
class _Listing:
    """What one input holds, with names below `base`, an absolute path or URL (empty for standard input)."""

    base: str
    files: list[Found]
    unlisted: list[Skipped] = field(default_factory=list)


def names_of(inputs: Inputs) -> list[str]:
    """The inputs as strings.

    Raises:
        InputError: there is none, or one is empty.
    """
    given = [inputs] if isinstance(inputs, str | os.PathLike) else several(inputs, "the input", "paths")
    names = [checked_path(name, "the path of an input") for name in given]
    if not names:
        raise InputError("there is no input; expected at least one folder or file")
    if not all(names):
        raise InputError("the path of the corpus is empty; expected a folder or a file ('.' is this folder)")
    if names.count(STANDARD_INPUT) > 1:
        raise InputError("standard input ('-') is named twice; it can be read once")
    return names


def list_inputs(names: Sequence[str]) -> tuple[list[Found], list[Skipped]]:
    """The files of all inputs, in the order of the inputs, those of each sorted; and the folders that refuse.

    Files are named relative to the deepest folder that holds all inputs of their kind; remote ones by their
    URL when there are others too.

    Raises:
        InputError: an input does not exist, cannot be listed or holds no file, or two hold the same file.
        MissingExtraError: a URL needs a package that is not installed.
        StorageError: standard input cannot be kept.
    """
    listings = [_list(name) for name in names]
    common = _common_of_each_kind([listing.base for listing in listings if listing.base])
    files: list[Found] = []
    unlisted: list[Skipped] = []
    for listing in listings:
        prefix = _below(listing.base, common.get(_kind(listing.base), []))
        files += [replace(file, name=prefix + file.name) for file in listing.files]
        unlisted += [replace(skipped, source=prefix + skipped.source) for skipped in listing.unlisted]
    _check_each_once(files)
    return files, unlisted


def _list(name: str) -> _Listing:
    if name == STANDARD_INPUT:
        spooled = SpooledInput()
        return _Listing("", [Found(spooled, STANDARD_INPUT, spooled.size_bytes)])
    if "://" in name:
        base, files = list_remote(name)
        if not files:
            raise InputError(f"{name}: no file is there (names beginning with '.' are left out)")
        return _Listing(base, without_their_descriptions(files))
    try:
        return _list_local(name)
    except OSError as error:
        raise InputError(f"{name}: cannot be read: {error.strerror or error}") from error


def _list_local(name: str) -> _Listing:
    path = Path(name)
    if path.is_dir():
        files, unlisted = walk(path, lambda _: True)
        if not files and not unlisted:
            raise InputError(f"{path}: this folder holds no file (names beginning with '.' are left out)")
        return _Listing(os.path.abspath(path), without_their_descriptions(files), unlisted)
    if path.exists() or not has_magic(name):
        if not path.exists() and not path.is_symlink():
            raise InputError(
                f"{path}: no such file or folder; expected a folder, a file or a pattern as 'data/*.jsonl'"
            )
        return _Listing(os.path.abspath(path.parent), [found_at(path, path.name)])
    pattern = Pattern(name)
    folder = Path(pattern.folder)
    if not folder.is_dir():
        raise InputError(f"{name}: no file matches this pattern: there is no folder {folder}")
    files, unlisted = walk(folder, pattern.may_enter)
    files = [file for file in files if pattern.matches(file.name)]
    if not files and not unlisted:
        raise InputError(f"{name}: no file matches this pattern (names beginning with '.' are left out)")
    return _Listing(os.path.abspath(folder), files, unlisted)


def _kind(base: str) -> str:
    """The protocol of a URL; empty for local folders."""
    return base.partition("://")[0] if "://" in base else ""


def _common_of_each_kind(bases: Sequence[str]) -> dict[str, list[str]]:
    """For local folders and for each protocol the parts of the deepest folder that holds all; none if mixed."""
    kinds = {_kind(base) for base in bases}
    paths = {kind: [base.split("/") for base in bases if _kind(base) == kind] for kind in kinds}
    return {kind: _common(paths[kind]) if kind == "" or len(kinds) == 1 else [] for kind in kinds}


def _common(paths: Sequence[list[str]]) -> list[str]:
    """The parts with which all paths begin."""
    same = takewhile(lambda parts: len(set(parts)) == 1, zip(*paths, strict=False))
    return [parts[0] for parts in same]


def _below(base: str, common: list[str]) -> str:
    """What is put before a file's name."""
    rest = base.split("/")[len(common) :] if base else []
    return "".join(f"{part}/" for part in rest)


def _check_each_once(files: Sequence[Found]) -> None:
    seen: set[str] = set()
    for file in files:
        place = str(file.place)
        place = place if "://" in place else os.path.abspath(place)
        if place in seen:
            raise InputError(f"{file.place} is named by two inputs; expected each file once, or it would count twice")
        seen.add(place)
