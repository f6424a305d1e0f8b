"""Glob patterns, and the files below a local folder.

In a pattern `*`, `?` and `[…]` match within a name, `**` matches any number of folders.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from infgram.corpus.documents import Skipped
from infgram.corpus.sources.files import InputFile, LocalLocation

FILES_OF_AN_INDEX: Final = ("manifest.json", "shard-00000/tokens.bin")

_MAGIC: Final = re.compile(r"[*?[]")


def has_magic(path: str) -> bool:
    """Return whether a path is a pattern."""
    return _MAGIC.search(path) is not None


class Pattern:
    """A pattern, split into a folder without wildcards and the pattern below it.

    Attributes:
        folder: the folder before the first wildcard; empty for the current folder.
    """

    def __init__(self, pattern: str) -> None:
        parts = pattern.split("/")
        first = next(i for i, part in enumerate(parts) if has_magic(part))
        self.folder = "/".join(parts[:first])
        if first and self.folder in ("", parts[0] + "/"):  # `/*` and `memory://*`
            self.folder += "/"
        self._parts = [part for part in parts[first:] if part]

    def matches(self, name: str) -> bool:
        """Return whether the pattern matches a file, given its path below `folder`."""
        return _fits(name.split("/"), self._parts)

    def may_enter(self, folder: str) -> bool:
        """Return whether a file inside a subfolder can match, given the subfolder's path below `self.folder`."""
        return _may_fit(folder.split("/"), self._parts)


def fits(name: str, pattern: str) -> bool:
    """Return whether a pattern matches a file: its base name, or its path if the pattern contains `/`."""
    if "/" not in pattern:
        return fnmatchcase(name.rpartition("/")[2], pattern)
    return _fits(name.split("/"), pattern.removeprefix("./").split("/"))


def _fits(names: Sequence[str], parts: Sequence[str]) -> bool:
    if not parts or not names:
        return not parts and not names
    if parts[0] == "**":
        return len(parts) == 1 or any(_fits(names[skipped:], parts[1:]) for skipped in range(len(names)))
    return fnmatchcase(names[0], parts[0]) and _fits(names[1:], parts[1:])


def _may_fit(names: Sequence[str], parts: Sequence[str]) -> bool:
    """Return whether the names are the beginning of a path that can match."""
    if not parts or not names:
        return bool(parts)
    return parts[0] == "**" or (fnmatchcase(names[0], parts[0]) and _may_fit(names[1:], parts[1:]))


_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Walk:
    """The files below a folder.

    Attributes:
        files: the files, sorted by relative path.
        unlisted: the folders that could not be listed.
        links: the names of the links that lead out of the folder and are not followed; a folder's ends with `/`.
    """

    files: list[InputFile]
    unlisted: list[Skipped]
    links: list[str]


def walk(root: Path, may_enter: Callable[[str], bool], *, follow_links: bool = False) -> Walk:
    """List all files below a folder.

    Names that begin with `.` are excluded at every level below `root`. Links to files inside the folder are followed.
    Links to folders inside it are not, since these are listed themselves. Links that lead out of the folder are
    followed only with `follow_links`, each folder once, so that cycles end; but the snapshots of a Hugging Face cache
    are links to its `blobs`, which are always followed.

    Args:
        root: the folder, or a link to one.
        may_enter: returns whether to list a subfolder, given its path below `root`.
        follow_links: whether to follow links that lead out of the folder.

    Raises:
        OSError: `root` cannot be listed.
    """
    listing = _Listing(root, may_enter, follow_links=follow_links)
    listing.read("")
    while listing.folders or listing.linked_folders:
        folder = (listing.folders or listing.linked_folders).pop()
        try:
            listing.read(folder)
        except OSError as error:
            reason = f"this folder cannot be listed: {error.strerror or error}"
            listing.unlisted.append(Skipped(printable(folder), None, reason))
    listing.unlisted.sort(key=lambda skipped: skipped.source)
    files = [input_file(root / name, name) for name in sorted(listing.names)]
    return Walk(files, listing.unlisted, sorted(map(printable, listing.links)))


class _Listing:
    """The state of a walk. Names of folders end with `/`; the name of the root is empty."""

    def __init__(self, root: Path, may_enter: Callable[[str], bool], *, follow_links: bool) -> None:
        self.names: list[str] = []
        self.links: list[str] = []
        self.unlisted: list[Skipped] = []
        self.folders: list[str] = []
        self.linked_folders: list[str] = []  # entered last, so that a folder gets its own name if it has one
        self._root, self._may_enter, self._follow_links = root, may_enter, follow_links
        self._target = os.path.realpath(root)
        self._entered: set[tuple[int, int]] = set()

    def read(self, folder: str) -> None:
        """Add the entries of a folder, unless it was read under another name."""
        path = self._root / folder
        state = path.stat()
        if state.st_ino and (state.st_dev, state.st_ino) in self._entered:
            return
        self._entered.add((state.st_dev, state.st_ino))
        with os.scandir(path) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                if not entry.name.startswith("."):
                    self._add(entry, f"{folder}{entry.name}")

    def _add(self, entry: os.DirEntry[str], name: str) -> None:
        if not entry.is_symlink():
            if not entry.is_dir(follow_symlinks=False):
                self.names.append(name)
            elif self._may_enter(name):
                self.folders.append(f"{name}/")
            return
        is_folder = os.path.isdir(entry.path)
        leads_out = not f"{os.path.realpath(entry.path)}/".startswith(f"{self._target.rstrip('/')}/")
        if leads_out and not self._follow_links and not _is_in_cache(entry.path):
            if not is_folder or (self._may_enter(name) and not is_index(entry.path)):
                self.links.append(f"{name}/" if is_folder else name)
        elif not is_folder:
            self.names.append(name)
        elif not leads_out:
            _log.warning("%s: a link to a folder is not followed", printable(entry.path))
        elif self._may_enter(name):
            self.linked_folders.append(f"{name}/")


def _is_in_cache(link: str) -> bool:
    """Return whether a link is a file of a snapshot in a Hugging Face cache, whose content is in `blobs`."""
    folder, blobs = os.path.dirname(os.path.realpath(link)), "blobs"
    snapshots = os.path.join(folder.removesuffix(blobs), "snapshots", "")
    return os.path.basename(folder) == blobs and os.path.realpath(os.path.dirname(link)).startswith(snapshots)


def is_index(folder: str) -> bool:
    """Return whether a folder is an index of this program, by the names of its files."""
    return all(os.path.exists(os.path.join(folder, name)) for name in FILES_OF_AN_INDEX)


def input_file(path: Path, name: str) -> InputFile:
    """Describe a local file under its name in the corpus."""
    try:
        state = path.stat()
    except OSError:  # a dangling link: reported when it is read
        return InputFile(LocalLocation(path), printable(name), 0)
    identity = (state.st_dev, state.st_ino) if state.st_ino else None
    return InputFile(LocalLocation(path), printable(name), state.st_size, identity)


def printable(name: str) -> str:
    r"""Return a file name in which bytes that are not UTF-8 are escaped as `\xNN`."""
    return os.fsencode(name).decode("utf-8", errors="backslashreplace")
