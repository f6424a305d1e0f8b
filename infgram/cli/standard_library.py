"""Index the corpus of the demo: the source code of Python's standard library."""

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

_SKIPPED_FOLDERS: Final = {"site-packages", "dist-packages", "__pycache__", "test", "tests", "idle_test"}
"""Folders of installed packages, of bytecode, and of tests, which are larger than the rest of the library."""

_TEXT_SUFFIXES: Final = {".py", ".txt", ".rst", ".md", ".toml", ".cfg", ".ini", ".json", ".html", ".csv", ".tcl"}


def index_standard_library(output: Path) -> tuple[Index, dict[str, Any]]:
    """Index the standard library with the default tokenizer. Replace an index of the demo at `output`.

    Returns:
        The open index, and the fields of the JSON object of the build.

    Raises:
        InputError: this Python has no source code of its library.
        IndexExistsError: `output` exists and is not an index of the demo.
        StorageError: the operating system reported an error.
    """
    root = Path(sysconfig.get_path("stdlib"))
    files = list(text_files(root))
    if not files:
        raise InputError(f"{root} has no source code of Python's standard library; run the demo with another Python")
    if output.exists() and not _is_of_demo(output):
        raise IndexExistsError(f"{output} exists and is not an index of the demo; choose another --output")
    with tempfile.TemporaryDirectory(prefix="infgram-demo-") as folder:
        _link(root, files, Path(folder, f"python3.{sys.version_info.minor}"))
        return build_and_report(
            Path(folder), output, tokenizer="bpe", on_error="skip", overwrite=True, follow_links=True
        )


def text_files(root: Path) -> Iterator[Path]:
    """Yield the paths of text files below `root`, relative to it."""
    for folder, subfolders, names in os.walk(root):
        subfolders[:] = [name for name in subfolders if name not in _SKIPPED_FOLDERS]
        yield from ((Path(folder) / name).relative_to(root) for name in names if Path(name).suffix in _TEXT_SUFFIXES)


def _link(root: Path, files: list[Path], corpus: Path) -> None:
    """Create a folder of links to these files, to build from."""
    try:
        for file in files:
            link = corpus / file
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(root / file)
    except OSError as error:
        raise StorageError(
            f"cannot create symbolic links in {corpus}: {error.strerror}; set TMPDIR to another folder"
        ) from error


def _is_of_demo(path: Path) -> bool:
    """Return whether the first document of the index is a file of a standard library."""
    import infgram

    try:
        with infgram.open(path) as index:
            return str(index.document(0).metadata.get("path", "")).startswith("python3.")
    except InfgramError:
        return False
