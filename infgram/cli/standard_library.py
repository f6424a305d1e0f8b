"""The corpus of the demo: the source text of the Python that runs this."""

from __future__ import annotations

import os
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from infgram.cli.build import build_and_report
from infgram.errors import IndexExistsError, InfgramError, InputError, StorageError

if TYPE_CHECKING:
    from infgram.index import Index

_LEFT_OUT: Final = {"site-packages", "dist-packages", "__pycache__", "test", "tests", "idle_test"}
"""Folders: what was installed beside the library, what is no text, and its tests, which are larger than the rest."""

_TEXT_SUFFIXES: Final = {".py", ".txt", ".rst", ".md", ".toml", ".cfg", ".ini", ".json", ".html", ".csv", ".tcl"}


def index_standard_library(output: Path) -> tuple[Index, dict[str, Any]]:
    """Index it with the default tokenizer; an older index of the demo at `output` is replaced.

    Returns:
        The open index, and what is to be said of the build.

    Raises:
        InputError: this Python has no source text.
        IndexExistsError: `output` is taken by anything but an index of the demo.
        StorageError: the operating system refused.
    """
    root = Path(sysconfig.get_path("stdlib"))
    files = list(text_files(root))
    if not files:
        raise InputError(f"{root} holds no source text of Python's standard library; run the demo with another Python")
    if output.exists() and not _is_ours(output):
        raise IndexExistsError(
            f"{output} exists and was not made by the demo, so it is not replaced; choose another --output"
        )
    with tempfile.TemporaryDirectory(prefix="infgram-demo-") as folder:
        _link(root, files, Path(folder, f"python3.{sys.version_info.minor}"))
        return build_and_report(Path(folder), output, tokenizer="bpe", on_error="skip", overwrite=True)


def text_files(root: Path) -> Iterator[Path]:
    """The files of text below `root`, relative to it."""
    for folder, subfolders, names in os.walk(root):
        subfolders[:] = [name for name in subfolders if name not in _LEFT_OUT]
        yield from ((Path(folder) / name).relative_to(root) for name in names if Path(name).suffix in _TEXT_SUFFIXES)


def _link(root: Path, files: list[Path], corpus: Path) -> None:
    """A folder of links to exactly these files, which a build reads like any other corpus."""
    try:
        for file in files:
            link = corpus / file
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(root / file)
    except OSError as error:
        raise StorageError(
            f"cannot make links in {corpus}: {error.strerror}; name another folder with TMPDIR"
        ) from error


def _is_ours(path: Path) -> bool:
    """Whether the demo made this index: its first document is a file of a standard library."""
    import infgram

    try:
        with infgram.open(path) as index:
            return str(index.document(0).metadata.get("path", "")).startswith("python3.")
    except InfgramError:
        return False
