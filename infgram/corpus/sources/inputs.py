"""Resolve the user's inputs (folders, files, patterns, URLs, standard input) to the files of the corpus."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import Path
from typing import TypeAlias

from infgram.arguments import path as checked_path, several
from infgram.corpus.documents import Skipped
from infgram.corpus.readers.saved_dataset import check_parts, data_files
from infgram.corpus.sources.files import STANDARD_INPUT, InputFile, StandardInput
from infgram.corpus.sources.listing import Pattern, has_magic, input_file, walk
from infgram.corpus.sources.remote import list_remote
from infgram.corpus.sources.selection import EVERYTHING, Selection, first_names, without_indexes
from infgram.errors import InputError

StrPath: TypeAlias = str | os.PathLike[str]
Inputs: TypeAlias = StrPath | Sequence[StrPath]


@dataclass(frozen=True)
class _Listing:
    """The files of one input, named relative to `base`, an absolute path or URL (empty for standard input)."""

    base: str
    files: Sequence[InputFile]
    unlisted: Sequence[Skipped] = ()
    left_out: Sequence[Skipped] = ()
    links: Sequence[str] = ()


@dataclass(frozen=True)
class Listed:
    """The files of all inputs.

    Attributes:
        files: the files to read, in order.
        unlisted: the folders that cannot be listed.
        left_out: the excluded files, each with the reason.
        links: the links that lead out of an input folder and are not followed.
    """

    files: list[InputFile]
    unlisted: list[Skipped]
    left_out: list[Skipped]
    links: list[str]

    def check_complete(self) -> None:
        """Check that every folder was listed, and that no link was left out.

        Raises:
            InputError: a folder cannot be listed, or a link leads out of an input folder.
        """
        if self.links:
            names = first_names(self.links, len(self.links))
            raise InputError(
                f"{names}: {'a link leads' if len(self.links) == 1 else f'{len(self.links):,} links lead'} out of the "
                "input folder; follow links with follow_links=True (--follow-links), or leave them out with exclude=… "
                "(--exclude)"
            )
        for unlisted in self.unlisted:
            raise InputError(f"{unlisted.source}: {unlisted.reason}")


def names_of(inputs: Inputs) -> list[str]:
    """Return the inputs as strings.

    Raises:
        InputError: there is no input, or an input is empty.
    """
    given = [inputs] if isinstance(inputs, str | os.PathLike) else several(inputs, "the input", "paths")
    names = [checked_path(name, "the path of an input") for name in given]
    if not names:
        raise InputError("no input given; expected at least one folder or file")
    if not all(names):
        raise InputError("the path of the corpus is empty; expected a folder or a file ('.' is this folder)")
    if names.count(STANDARD_INPUT) > 1:
        raise InputError("standard input ('-') is named twice; it can be read once")
    return names


def list_inputs(names: Sequence[str], selection: Selection = EVERYTHING) -> Listed:
    """List the files of all inputs, in the order of the inputs, sorted within each input.

    Files are named relative to the deepest common folder of the inputs of their kind. Remote files are named by their
    URL if there are local inputs or several protocols, too.

    Args:
        names: the inputs.
        selection: the rules that select files.

    Raises:
        InputError: an input does not exist, cannot be listed or holds no file, a file is listed twice, or the
            selection excludes all files.
        MissingExtraError: a URL needs a package that is not installed.
        StorageError: standard input cannot be copied.
    """
    listings = [_list(name, selection) for name in names]
    common = _common_of_each_kind([listing.base for listing in listings if listing.base])
    all_inputs = Listed([], [], [], [])
    for listing in listings:
        prefix = _prefix(listing.base, common.get(_kind(listing.base), []))
        all_inputs.files.extend(replace(file, source=prefix + file.source) for file in listing.files)
        for target, skipped in ((all_inputs.unlisted, listing.unlisted), (all_inputs.left_out, listing.left_out)):
            target.extend(replace(entry, source=prefix + entry.source) for entry in skipped)
        all_inputs.links.extend(prefix + link for link in listing.links)
    if not all_inputs.files and all_inputs.left_out and not all_inputs.links:
        first = all_inputs.left_out[0]
        if first.source == "." or first.source.endswith("/"):  # an index, which is never read
            raise InputError(f"{', '.join(names[:3])}: no file to read; {first.source} is {first.reason}")
        raise InputError(
            f"{', '.join(names[:3])}: no file to read; {len(all_inputs.left_out)} files are excluded, the first: "
            f"{first.source} ({first.reason}); read every file with include='*' (--include '*')"
        )
    _check_each_once(all_inputs.files)
    return all_inputs


def _list(name: str, selection: Selection) -> _Listing:
    if name == STANDARD_INPUT:
        spooled = StandardInput()
        return _Listing("", [InputFile(spooled, STANDARD_INPUT, spooled.size_bytes)])
    if "://" in name:
        base, files, links, is_file = list_remote(name)
        if not files and not links:
            raise InputError(f"{name}: no file found (names that begin with '.' are excluded)")
        return _selected(base, files, selection, links=links, is_named=is_file)
    try:
        return _list_local(name, selection)
    except OSError as error:
        raise InputError(f"{name}: cannot be read: {error.strerror or error}") from error


def _list_local(name: str, selection: Selection) -> _Listing:
    path = Path(name)
    if path.is_dir():
        found = walk(path, lambda _: True, follow_links=selection.follow_links)
        if not found.files and not found.unlisted and not found.links:
            raise InputError(f"{path}: no file in this folder (names that begin with '.' are excluded)")
        return _selected(os.path.abspath(path), found.files, selection, found.unlisted, found.links)
    if path.exists() or not has_magic(name):
        if not path.exists() and not path.is_symlink():
            raise InputError(
                f"{path}: no such file or folder; expected a folder, a file or a pattern such as 'data/*.jsonl'"
            )
        return _selected(os.path.abspath(path.parent), [input_file(path, path.name)], selection, is_named=True)
    pattern = Pattern(name)
    folder = Path(pattern.folder)
    if not folder.is_dir():
        raise InputError(f"{name}: no file matches this pattern: there is no folder {folder}")
    found = walk(folder, pattern.may_enter, follow_links=selection.follow_links)
    files = [file for file in found.files if pattern.matches(file.source)]
    links = [link for link in found.links if link.endswith("/") or pattern.matches(link)]
    if not files and not found.unlisted and not links:
        raise InputError(f"{name}: no file matches this pattern (names that begin with '.' are excluded)")
    return _selected(os.path.abspath(folder), files, selection, found.unlisted, links, is_pattern=True)


def _selected(
    base: str,
    files: Sequence[InputFile],
    selection: Selection,
    unlisted: Sequence[Skipped] = (),
    links: Sequence[str] = (),
    *,
    is_named: bool = False,
    is_pattern: bool = False,
) -> _Listing:
    """Apply the selection to the files of one input; a file that is named itself is excluded by options only."""
    own: list[Skipped] = []
    unlisted_data: list[Skipped] = []
    if not is_named:
        files, own = without_indexes(files)
    if not is_named and not is_pattern:
        files, unlisted_data = data_files(files)
    selected, excluded = selection.apply(files, is_named=is_named)
    if is_named or is_pattern:
        check_parts(selected)
    left_out = sorted([*own, *unlisted_data, *excluded], key=lambda entry: entry.source)
    return _Listing(base, selected, unlisted, left_out, [link for link in links if selection.refuses(link)])


def _kind(base: str) -> str:
    """Return the protocol of a URL; empty for local folders."""
    return base.partition("://")[0] if "://" in base else ""


def _common_of_each_kind(bases: Sequence[str]) -> dict[str, list[str]]:
    """Map local folders and each protocol to the parts of their deepest common folder; empty if URLs are mixed."""
    kinds = {_kind(base) for base in bases}
    paths = {kind: [base.split("/") for base in bases if _kind(base) == kind] for kind in kinds}
    return {kind: _common(paths[kind]) if kind == "" or len(kinds) == 1 else [] for kind in kinds}


def _common(paths: Sequence[list[str]]) -> list[str]:
    """Return the parts of the common prefix of all paths."""
    same = takewhile(lambda parts: len(set(parts)) == 1, zip(*paths, strict=False))
    return [parts[0] for parts in same]


def _prefix(base: str, common: list[str]) -> str:
    """Return the prefix of file names: the path of `base` below the common folder."""
    rest = base.split("/")[len(common) :] if base else []
    return "".join(f"{part}/" for part in rest)


def _check_each_once(files: Sequence[InputFile]) -> None:
    """Check that no file is listed twice: by one path, or by links, which share a device and inode."""
    seen: dict[object, InputFile] = {}
    for file in files:
        other = seen.setdefault(_identity(file), file)
        if other is file:
            continue
        if _path(other) == _path(file):
            raise InputError(f"{file.location} is named by two inputs and would be counted twice; name it once")
        raise InputError(
            f"{file.location} and {other.location} are links to the same file, which would be counted twice; exclude "
            "one of them (exclude=…, --exclude)"
        )


def _identity(file: InputFile) -> object:
    if file.identity is not None:
        return file.identity
    path = _path(file)
    try:
        state = os.stat(path)
    except (OSError, ValueError):
        return path
    return (state.st_dev, state.st_ino) if state.st_ino and path.startswith("/") else path


def _path(file: InputFile) -> str:
    """Return the absolute path of a local file, also for `file://`, or the URL of a remote file."""
    path = str(file.location).removeprefix("file://")
    return path if "://" in path else os.path.abspath(path)
