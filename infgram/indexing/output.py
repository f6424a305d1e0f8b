"""The folder an index grows in, and its move to the final name.

A build works in `<output>.partial`, which it locks: the index grows in the folder `index` there, and `build.json`
beside it says what is finished. The index gets its final name only when its manifest, written last, is on the
disk. So the output is absent, the old index, or the whole new one.
"""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from infgram import _core
from infgram.errors import IndexExistsError, InputError
from infgram.files import manifest
from infgram.files.disk import storage_errors
from infgram.indexing.checkpoint import (
    FILE_NAME,
    TOKENIZER_FOLDER,
    Checkpoint,
    Plan,
    drop_what_is_damaged,
    read_checkpoint,
)

_INDEX: Final = "index"
_OLD_INDEX: Final = "index.old"  # as `_core.publish_folder` names it

_SUFFIXES: Final = (
    *(".gz", ".zst", ".bz2", ".xz"),
    *(".jsonl", ".ndjson", ".jsonlines", ".json", ".txt", ".csv", ".tsv", ".parquet", ".arrow"),
    *(".npy", ".bin", ".idx"),
)

_logger = logging.getLogger("infgram.indexing")


@contextmanager
def unfinished_index(
    output: Path, plan: Plan | None, *, overwrite: bool, progress: Callable[[int, int], None]
) -> Iterator[Checkpoint]:
    """A locked folder to build in, with what an earlier build by the same plan has finished.

    It is published as `output` when the block ends. When the block fails, what is finished is kept, and all else
    removed.

    Args:
        output: the index.
        plan: what decides the result, of values that JSON has; None to keep nothing.
        overwrite: whether an index at `output` may be replaced.
        progress: told the bytes and the bytes in all, while an earlier build's files are checked.

    Raises:
        IndexExistsError: `output` is taken and may not be replaced, or another build is writing there.
        StorageError: the operating system refused.
    """
    partial = output.with_name(f"{output.name}.partial")
    with _locked(partial):
        _recover(partial, output)
        try:
            check_output(output, overwrite=overwrite)
            checkpoint = _begin(Checkpoint(partial / _INDEX, partial / FILE_NAME, plan), progress)
            yield checkpoint
            check_output(output, overwrite=overwrite)
            _core.publish_folder(checkpoint.folder, output)
        except BaseException as error:
            _keep_what_is_finished(partial, error)
            raise
        shutil.rmtree(partial, ignore_errors=True)


def check_output(output: Path, *, overwrite: bool) -> None:
    """Whether an index may be written there.

    Raises:
        IndexExistsError: it may not: there is an index that is not to be replaced, or anything else.
    """
    if not output.exists() and not output.is_symlink():
        return
    is_index = (output / manifest.FILE_NAME).is_file()
    is_empty = output.is_dir() and not output.is_symlink() and not any(output.iterdir())
    if is_empty or (is_index and overwrite):
        return
    if is_index:
        raise IndexExistsError(f"{output} is an index already; pass --overwrite (overwrite=True) to replace it")
    raise IndexExistsError(f"{output} exists and is no index, so it is not replaced; choose another output")


def default_output(inputs: Sequence[str]) -> Path:
    """`corpus/` becomes `corpus.infgram` beside it, and so do `corpus.jsonl.zst` and `corpus.npy`.

    Raises:
        InputError: the input is not one path of this machine.
    """
    source = Path(inputs[0])
    if len(inputs) != 1 or not source.exists():
        raise InputError(f"the input is {', '.join(inputs[:3])}; an output must be named (-o INDEX, output=...)")
    name = source.resolve().name
    if not source.is_dir():
        for suffix in _SUFFIXES:
            name = name.removesuffix(suffix)
    return source.resolve().parent / f"{name}.infgram"


@contextmanager
def _locked(partial: Path) -> Iterator[None]:
    """The folder, made and locked."""
    with storage_errors(f"create {partial}"):
        lock = _lock(partial)
    try:
        yield
    finally:
        os.close(lock)


def _lock(partial: Path) -> int:
    while True:
        partial.mkdir(parents=True, exist_ok=True)
        lock = os.open(partial, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(lock)
            raise IndexExistsError(
                f"another build is writing {partial}; wait for it or choose another output"
            ) from error
        if _is_at(lock, partial):
            return lock
        os.close(lock)  # of a build that finished in this moment and removed it


def _is_at(folder: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(folder), path.stat())
    except FileNotFoundError:
        return False


def _recover(partial: Path, output: Path) -> None:
    """Put back an index that was moved aside when the build that was to replace it was killed in that moment."""
    aside = partial / _OLD_INDEX
    if aside.is_dir() and not output.exists():
        aside.rename(output)


def _begin(planned: Checkpoint, progress: Callable[[int, int], None]) -> Checkpoint:
    """What an earlier build by the same plan has finished, or nothing; the folder holds no more than that."""
    checkpoint = planned
    earlier = read_checkpoint(planned.folder, planned.path)
    if earlier is not None and not earlier.is_empty:
        changed = changed_in_words(earlier.plan, planned.plan)
        if changed:
            _logger.info("%s holds an unfinished build with another %s; starting anew", planned.path.parent, changed)
        else:
            checkpoint = earlier
            drop_what_is_damaged(checkpoint, progress)
            _logger.info("going on with the unfinished build in %s", planned.path.parent)
    _prune(checkpoint)
    with storage_errors(f"create {checkpoint.folder}"):
        checkpoint.folder.mkdir(exist_ok=True)
    return checkpoint


def changed_in_words(earlier: Plan | None, plan: Plan | None) -> str:
    """What differs between two plans, in words; empty for nothing."""
    earlier, plan = earlier or {}, plan or {}
    names = sorted(name for name in earlier.keys() | plan.keys() if earlier.get(name) != plan.get(name))
    return ", ".join(name.replace("_", " ") for name in names)


def _keep_what_is_finished(partial: Path, error: BaseException) -> None:
    """By what is on the disk: the error may have come at any moment."""
    checkpoint = read_checkpoint(partial / _INDEX, partial / FILE_NAME)
    if checkpoint is not None and not checkpoint.is_empty:
        _prune(checkpoint)
        _logger.info("what is finished is kept in %s; the same command goes on from there", partial)
        return
    shutil.rmtree(partial, ignore_errors=True)
    if isinstance(error, KeyboardInterrupt):
        _logger.info("the build was stopped and left nothing behind; the same command starts it again")


def _prune(checkpoint: Checkpoint) -> None:
    """Remove whatever does not belong to a finished stage."""
    kept = checkpoint.files()
    for entry in _entries(checkpoint.path.parent):
        if entry != checkpoint.folder and (entry != checkpoint.path or checkpoint.is_empty):
            _remove(entry)
    for entry in _entries(checkpoint.folder):
        if entry.name == TOKENIZER_FOLDER and checkpoint.tokenizer is not None:
            continue
        if not any(path.parent == entry for path in kept):
            _remove(entry)
    for path in kept:
        for entry in _entries(path.parent):
            if entry not in kept:
                _remove(entry)


def _entries(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.is_dir() else []


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
