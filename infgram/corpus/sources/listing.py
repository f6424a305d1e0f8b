"""Which files a local folder holds, in which order."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path

from infgram.corpus.documents import Skipped
from infgram.corpus.sources.files import Found, LocalPlace

_log = logging.getLogger(__name__)


def walk(root: Path, may_enter: Callable[[str], bool]) -> tuple[list[Found], list[Skipped]]:
    """All files below a folder, sorted by relative path, and the folders that could not be listed.

    Names beginning with `.` are left out, at every level below `root`. Links to files are followed, links
    to folders are not (so that no loop is walked); a log message names each.

    Args:
        root: the folder.
        may_enter: told a folder's path below `root`, says whether it is of interest.

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
                    _sort_out(entry, f"{folder}{entry.name}", names.append, folders.append, may_enter)
        except OSError as error:
            if not folder:
                raise
            unlisted.append(
                Skipped(printable(folder), None, f"this folder cannot be listed: {error.strerror or error}")
            )
    unlisted.sort(key=lambda skipped: skipped.source)
    return [found_at(root / name, name) for name in sorted(names)], unlisted


def _sort_out(
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


def found_at(path: Path, name: str) -> Found:
    """A file under its name in the corpus."""
    try:
        state = path.stat()
    except OSError:  # a link to nowhere: reading it will say so, in its turn
        return Found(LocalPlace(path), printable(name), 0)
    identity = (state.st_dev, state.st_ino) if state.st_ino else None
    return Found(LocalPlace(path), printable(name), state.st_size, identity)


def printable(name: str) -> str:
    r"""A file name that UTF-8 can carry: other bytes are shown as `\xNN`."""
    return os.fsencode(name).decode("utf-8", errors="backslashreplace")
