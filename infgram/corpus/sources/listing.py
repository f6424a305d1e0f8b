"""Glob patterns, and the files below a local folder.

In a pattern `*`, `?` and `[…]` match within a name, `**` matches any number of folders.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from infgram.corpus.documents import Skipped
from infgram.corpus.sources.files import InputFile, LocalLocation

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


def walk(root: Path, may_enter: Callable[[str], bool]) -> tuple[list[InputFile], list[Skipped]]:
    """List all files below a folder, sorted by relative path, and the folders that could not be listed.

    Names that begin with `.` are excluded at every level below `root`. Links to files are followed. Links to folders
    are not followed, to avoid loops; each is logged.

    Args:
        root: the folder.
        may_enter: returns whether to list a subfolder, given its path below `root`.

    Raises:
        OSError: `root` cannot be listed.
    """
    names: list[str] = []
    unlisted: list[Skipped] = []
    folders = [""]
    while folders:
        folder = folders.pop()
        try:
            with os.scandir(root / folder) as entries:
                for entry in entries:
                    _add_entry(entry, f"{folder}{entry.name}", names.append, folders.append, may_enter)
        except OSError as error:
            if not folder:
                raise
            unlisted.append(
                Skipped(printable(folder), None, f"this folder cannot be listed: {error.strerror or error}")
            )
    unlisted.sort(key=lambda skipped: skipped.source)
    return [input_file(root / name, name) for name in sorted(names)], unlisted


def _add_entry(
    entry: os.DirEntry[str],
    name: str,
    add_file: Callable[[str], None],
    add_folder: Callable[[str], None],
    may_enter: Callable[[str], bool],
) -> None:
    if entry.name.startswith("."):
        return
    if entry.is_dir(follow_symlinks=False):
        if may_enter(name):
            add_folder(f"{name}/")
    elif entry.is_symlink() and os.path.isdir(entry.path):
        _log.warning("%s: a link to a folder is not followed", printable(entry.path))
    else:
        add_file(name)


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
