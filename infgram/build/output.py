"""The folder an index grows in, and its move to the final name.

A build writes into `<output>.partial`, which it locks, and gives that folder its final name only when the
manifest, written last, is on the disk. So the output is absent, the old index, or the whole new one.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from infgram import _core, manifest
from infgram.errors import IndexExistsError, InputError, StorageError


@contextmanager
def partial_folder(output: Path, *, overwrite: bool) -> Iterator[Path]:
    """A new, locked folder to build in; published as `output` when the block ends, removed when it fails.

    Raises:
        IndexExistsError: `output` is taken and may not be replaced, or another build is writing there.
        StorageError: the operating system refused.
    """
    partial = output.with_name(f"{output.name}.partial")
    _recover(partial, output)
    _check_free(output, overwrite=overwrite)
    try:
        partial.mkdir(parents=True, exist_ok=True)
        lock = os.open(partial, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise StorageError(error.errno, f"cannot create {partial}: {error.strerror}") from error
    try:
        _lock(lock, partial)
        _empty(partial)  # what a killed build left
        try:
            yield partial
            _check_free(output, overwrite=overwrite)
            replaced = _core.publish_folder(partial, output)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
        if str(replaced) not in ("", "."):
            shutil.rmtree(replaced, ignore_errors=True)
    finally:
        os.close(lock)


def default_output(inputs: Sequence[str]) -> Path:
    """`corpus/` becomes `corpus.infgram` beside it, and so does `corpus.jsonl.zst`.

    Raises:
        InputError: the input is not one path of this machine.
    """
    source = Path(inputs[0])
    if len(inputs) != 1 or not source.exists():
        raise InputError(f"the input is {', '.join(inputs[:3])}; an output must be named (-o INDEX, output=...)")
    name = source.resolve().name
    if not source.is_dir():
        for suffix in (".gz", ".zst", ".jsonl", ".ndjson", ".txt", ".csv", ".tsv", ".parquet"):
            name = name.removesuffix(suffix)
    return source.resolve().parent / f"{name}.infgram"


def _check_free(output: Path, *, overwrite: bool) -> None:
    if not output.exists() and not output.is_symlink():
        return
    is_index = (output / manifest.FILE_NAME).is_file()
    is_empty = output.is_dir() and not output.is_symlink() and not any(output.iterdir())
    if is_empty or (is_index and overwrite):
        return
    if is_index:
        raise IndexExistsError(f"{output} is an index already; pass --overwrite (overwrite=True) to replace it")
    raise IndexExistsError(f"{output} exists and is no index, so it is not replaced; choose another output")


def _recover(partial: Path, output: Path) -> None:
    """Put back an index that was moved aside when the build that was to replace it was killed in that moment."""
    aside = partial.with_name(f"{partial.name}.old")
    if aside.is_dir() and not output.exists():
        aside.rename(output)


def _lock(folder: int, partial: Path) -> None:
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise IndexExistsError(f"another build is writing {partial}; wait for it or choose another output") from error


def _empty(folder: Path) -> None:
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
