"""Which files are the input, in which order and in which format."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from infgram.corpus.documents import Skipped
from infgram.errors import InputError

Compression: TypeAlias = Literal["gzip", "zstd"]
Format: TypeAlias = Literal["text", "json_lines"]

_COMPRESSION_OF_SUFFIX: dict[str, Compression] = {".gz": "gzip", ".zst": "zstd"}
_JSON_LINES_SUFFIXES = (".jsonl", ".ndjson")
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class InputFile:
    """One file of the corpus.

    Attributes:
        path: where it is.
        source: its path relative to the input folder, with `/`; a name that is not UTF-8 is shown with escapes.
        size_bytes: on disk.
        format: `"json_lines"`: a document a line; `"text"`: the file is one document.
        compression: only JSON lines are ever decompressed.
    """

    path: Path
    source: str
    size_bytes: int
    format: Format
    compression: Compression | None


def list_files(root: Path) -> tuple[list[InputFile], list[Skipped]]:
    """The input files sorted by relative path, and the folders that could not be listed.

    Names beginning with `.` are left out, at every level below `root`. Links to files are followed, links
    to folders are not (so that no loop is walked); a log message names each.

    Raises:
        InputError: `root` does not exist, or cannot be listed, or holds no file.
    """
    try:
        if not root.exists():
            raise InputError(f"{root}: no such file or folder; expected a folder, a text file or JSON lines")
        if not root.is_dir():
            return [_describe(root, root.name)], []
        unlisted: list[Skipped] = []
        names = sorted(_walk(root, unlisted))
    except OSError as error:
        raise InputError(f"{root}: cannot be read: {error.strerror or error}") from error
    if not names and not unlisted:
        raise InputError(f"{root}: this folder holds no file (names beginning with '.' are left out)")
    return [_describe(root / name, name) for name in names], unlisted


def _walk(root: Path, unlisted: list[Skipped]) -> list[str]:
    """Relative paths of all files below `root`; the folders that refuse go to `unlisted`."""
    names: list[str] = []
    folders = [""]
    while folders:
        folder = folders.pop()
        try:
            with os.scandir(root / folder) as entries:
                for entry in entries:
                    _sort_out(entry, f"{folder}{entry.name}", names.append, folders.append)
        except OSError as error:
            if not folder:
                raise
            unlisted.append(
                Skipped(_printable(folder), None, f"this folder cannot be listed: {error.strerror or error}")
            )
    unlisted.sort(key=lambda skipped: skipped.source)
    return names


def _sort_out(
    entry: os.DirEntry[str], name: str, add_file: Callable[[str], None], add_folder: Callable[[str], None]
) -> None:
    if entry.name.startswith("."):
        return
    if entry.is_dir(follow_symlinks=False):
        add_folder(f"{name}/")
    elif entry.is_symlink() and os.path.isdir(entry.path):
        _log.warning("%s: a link to a folder is not followed", _printable(entry.path))
    else:
        add_file(name)


def _describe(path: Path, name: str) -> InputFile:
    try:
        size_bytes = path.stat().st_size
    except OSError:  # a link to nowhere: reading it will say so, in its turn
        size_bytes = 0
    stem, suffix = os.path.splitext(path.name.lower())
    compression = _COMPRESSION_OF_SUFFIX.get(suffix)
    if (stem if compression else f"{stem}{suffix}").endswith(_JSON_LINES_SUFFIXES):
        return InputFile(path, _printable(name), size_bytes, "json_lines", compression)
    return InputFile(path, _printable(name), size_bytes, "text", None)


def _printable(name: str) -> str:
    r"""A file name that UTF-8 can carry: other bytes are shown as `\xNN`."""
    return os.fsencode(name).decode("utf-8", errors="backslashreplace")
