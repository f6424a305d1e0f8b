"""From what the user names (folders, files, patterns, URLs, standard input) to the files of the corpus."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import Path
from typing import TypeAlias

from infgram.arguments import path as checked_path
from infgram.arguments import several
from infgram.corpus.documents import Skipped
from infgram.corpus.readers.saved_dataset import check_parts, without_their_descriptions
from infgram.corpus.sources.files import Found
from infgram.corpus.sources.listing import found_at, walk
from infgram.corpus.sources.patterns import Pattern, has_magic
from infgram.corpus.sources.remote import list_remote
from infgram.corpus.sources.selection import EVERYTHING, Selection
from infgram.corpus.sources.standard_input import STANDARD_INPUT, SpooledInput
from infgram.errors import InputError

StrPath: TypeAlias = str | os.PathLike[str]
Inputs: TypeAlias = StrPath | Sequence[StrPath]


@dataclass(frozen=True)
class _Listing:
    """What one input holds, with names below `base`, an absolute path or URL (empty for standard input)."""

    base: str
    files: Sequence[Found]
    unlisted: Sequence[Skipped] = ()
    left_out: Sequence[Skipped] = ()


@dataclass(frozen=True)
class Listed:
    """What all inputs hold.

    Attributes:
        files: in the order of reading.
        unlisted: the folders that cannot be listed.
        left_out: the files that are not read, and why.
    """

    files: list[Found]
    unlisted: list[Skipped]
    left_out: list[Skipped]


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


def list_inputs(names: Sequence[str], selection: Selection = EVERYTHING) -> Listed:
    """List the files of all inputs, in the order of the inputs, those of each sorted.

    Files are named relative to the deepest folder that holds all inputs of their kind; remote ones by their
    URL when there are others too.

    Args:
        names: the inputs.
        selection: which of their files are read.

    Raises:
        InputError: an input does not exist, cannot be listed or holds no file, a file is there twice, or the
            selection leaves none.
        MissingExtraError: a URL needs a package that is not installed.
        StorageError: standard input cannot be kept.
    """
    listings = [_list(name, selection) for name in names]
    common = _common_of_each_kind([listing.base for listing in listings if listing.base])
    all_inputs = Listed([], [], [])
    for listing in listings:
        prefix = _below(listing.base, common.get(_kind(listing.base), []))
        all_inputs.files.extend(replace(file, name=prefix + file.name) for file in listing.files)
        for target, skipped in ((all_inputs.unlisted, listing.unlisted), (all_inputs.left_out, listing.left_out)):
            target.extend(replace(entry, source=prefix + entry.source) for entry in skipped)
    if not all_inputs.files and all_inputs.left_out:
        first = all_inputs.left_out[0]
        raise InputError(
            f"{', '.join(names[:3])}: no file is left to read; {len(all_inputs.left_out)} are left out, the first: "
            f"{first.source} ({first.reason}); --include '*' reads every file"
        )
    _check_each_once(all_inputs.files)
    return all_inputs


def _list(name: str, selection: Selection) -> _Listing:
    if name == STANDARD_INPUT:
        spooled = SpooledInput()
        return _Listing("", [Found(spooled, STANDARD_INPUT, spooled.size_bytes)])
    if "://" in name:
        base, found, is_file = list_remote(name)
        if not found:
            raise InputError(f"{name}: no file is there (names beginning with '.' are left out)")
        return _selected(base, found, selection, is_named=is_file)
    try:
        return _list_local(name, selection)
    except OSError as error:
        raise InputError(f"{name}: cannot be read: {error.strerror or error}") from error


def _list_local(name: str, selection: Selection) -> _Listing:
    path = Path(name)
    if path.is_dir():
        found, unlisted = walk(path, lambda _: True)
        if not found and not unlisted:
            raise InputError(f"{path}: this folder holds no file (names beginning with '.' are left out)")
        return _selected(os.path.abspath(path), found, selection, unlisted)
    if path.exists() or not has_magic(name):
        if not path.exists() and not path.is_symlink():
            raise InputError(
                f"{path}: no such file or folder; expected a folder, a file or a pattern as 'data/*.jsonl'"
            )
        return _selected(os.path.abspath(path.parent), [found_at(path, path.name)], selection, is_named=True)
    pattern = Pattern(name)
    folder = Path(pattern.folder)
    if not folder.is_dir():
        raise InputError(f"{name}: no file matches this pattern: there is no folder {folder}")
    found, unlisted = walk(folder, pattern.may_enter)
    found = [file for file in found if pattern.matches(file.name)]
    if not found and not unlisted:
        raise InputError(f"{name}: no file matches this pattern (names beginning with '.' are left out)")
    return _selected(os.path.abspath(folder), found, selection, unlisted, is_pattern=True)


def _selected(
    base: str,
    found: Sequence[Found],
    selection: Selection,
    unlisted: Sequence[Skipped] = (),
    *,
    is_named: bool = False,
    is_pattern: bool = False,
) -> _Listing:
    """The files that are read of those that were found: a file that is named itself is left out by options only."""
    left_out: list[Skipped] = []
    if not is_named and not is_pattern:
        found, left_out = without_their_descriptions(found)
    files, others = selection.apply(found, is_named=is_named)
    if is_named or is_pattern:
        check_parts(files)
    return _Listing(base, files, unlisted, sorted([*left_out, *others], key=lambda entry: entry.source))


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
    """Whether no file is there twice: by one path, or by links, which share a device and inode."""
    seen: dict[object, Found] = {}
    for file in files:
        other = seen.setdefault(_identity(file), file)
        if other is file:
            continue
        if _path(other) == _path(file):
            raise InputError(f"{file.place} is named by two inputs; expected each file once, or it would count twice")
        raise InputError(
            f"{file.place} and {other.place} are the same file, by a link; expected each file once, or it would count "
            "twice; leave one out (exclude=…, --exclude)"
        )


def _identity(file: Found) -> object:
    if file.identity is not None:
        return file.identity
    path = _path(file)
    try:
        state = os.stat(path)
    except (OSError, ValueError):
        return path
    return (state.st_dev, state.st_ino) if state.st_ino and path.startswith("/") else path


def _path(file: Found) -> str:
    """The absolute path of a local file, also of one behind `file://`; the URL of any other."""
    place = str(file.place).removeprefix("file://")
    return place if "://" in place else os.path.abspath(place)
