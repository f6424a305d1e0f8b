"""The working folder of a build, and the publication of the finished index.

A build locks `<output>.partial` and writes the index to the folder `index` in it; `build.json` beside it records the
finished stages. The index is renamed to its final path after its manifest, which is written last, is on the disk. The
output is therefore absent, the old index, or the complete new index.
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
from infgram.files.disk import UNFINISHED, storage_errors
from infgram.indexing.checkpoint import (
    FILE_NAME,
    TOKENIZER_FOLDER,
    Checkpoint,
    Plan,
    drop_damaged,
    read_checkpoint,
)

PLAN_NAME: Final = "plan.json"
"""The record of a build on a cluster in its working folder."""

_INDEX: Final = "index"
_OLD_INDEX: Final = "index.old"  # as `_core.publish_folder` names it
_RECORDS: Final = (FILE_NAME, PLAN_NAME)  # of builds here, and of builds on a cluster

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
    """Provide a locked working folder, with the finished stages of an interrupted build of the same plan.

    The folder is published as `output` at the end of the block. If the block fails, finished stages are kept and all
    other files are removed.

    Args:
        output: the path of the index.
        plan: everything that determines the index, as JSON values; None if the build cannot be resumed.
        overwrite: whether an index at `output` may be replaced.
        progress: called with the number of bytes and the total while files of an interrupted build are checked.

    Raises:
        IndexExistsError: `output` exists and may not be replaced, or another build is writing there.
        StorageError: a file cannot be written.
    """
    with locked(output) as partial:
        try:
            check_output(output, overwrite=overwrite)
            checkpoint = begin(partial, plan, progress)
            yield checkpoint
            check_output(output, overwrite=overwrite)
            _core.publish_folder(checkpoint.folder, output)
        except BaseException as error:
            keep_finished(partial, error)
            raise
        shutil.rmtree(partial, ignore_errors=True)


def check_output(output: Path, *, overwrite: bool) -> None:
    """Check that an index may be written to a path.

    Raises:
        IndexExistsError: the path holds an index and `overwrite` is False, or holds anything else.
        StorageError: the path cannot be read.
    """
    with storage_errors(f"read {output}"):
        if not output.exists() and not output.is_symlink():
            return
        is_index = (output / manifest.FILE_NAME).is_file()
        is_empty = output.is_dir() and not output.is_symlink() and not any(output.iterdir())
    if is_empty or (is_index and overwrite):
        return
    if is_index:
        raise IndexExistsError(f"{output} is an index already; pass --overwrite (overwrite=True) to replace it")
    raise IndexExistsError(f"{output} exists and is not an index, so it is not replaced; choose another output")


def partial_of(output: Path) -> Path:
    """Return the path of the working folder of an index."""
    return output.with_name(f"{output.name}.partial")


def target_of(output: Path) -> Path:
    """Return the folder that is written to: if the path is a link to a folder, that folder, so that the link stays.

    Raises:
        StorageError: the path cannot be read.
    """
    with storage_errors(f"read {output}"):
        return output.resolve() if output.is_symlink() and output.exists() else output


def default_output(inputs: Sequence[str]) -> Path:
    """Return `corpus.infgram` beside the input `corpus/`, `corpus.jsonl.zst` or `corpus.npy`.

    Raises:
        InputError: the input is not a single local path.
    """
    source = Path(inputs[0])
    if len(inputs) != 1 or not source.exists():
        raise InputError(f"the input is {', '.join(inputs[:3])}; name the output (-o INDEX, output=...)")
    name = source.resolve().name
    if not source.is_dir():
        for suffix in _SUFFIXES:
            name = name.removesuffix(suffix)
    return source.resolve().parent / f"{name}.infgram"


@contextmanager
def locked(output: Path) -> Iterator[Path]:
    """Create and lock the working folder of an index, so that no other process builds or changes the index.

    An index that a killed build had moved aside is restored.

    Yields:
        The working folder, which the caller removes.

    Raises:
        IndexExistsError: another process has locked it.
        StorageError: it cannot be created.
    """
    partial = partial_of(output)
    with storage_errors(f"create {partial}"):
        lock = _lock(partial)
    try:
        _check_ours(partial)
        _recover(partial, output)
        yield partial
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
            raise IndexExistsError(f"another process is writing to {partial}; repeat this when it has ended") from error
        if _is_at(lock, partial):
            return lock
        os.close(lock)  # another build finished and removed the folder in between


def _check_ours(partial: Path) -> None:
    """Check that a working folder holds only what builds write, since it is emptied."""
    if partial.is_symlink():
        raise IndexExistsError(f"{partial}, the working folder, is a link; remove the link")
    names = [entry.name for entry in _entries(partial)]
    if any(name in _RECORDS for name in names):
        return
    for name in names:
        if name not in (_INDEX, _OLD_INDEX) and not name.startswith(UNFINISHED):
            raise IndexExistsError(f"{partial}, the working folder, holds {name}, which no build wrote; move it")


def _is_at(folder: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(folder), path.stat())
    except FileNotFoundError:
        return False


def _recover(partial: Path, output: Path) -> None:
    """Restore an index that a killed build had moved aside to replace it."""
    aside = partial / _OLD_INDEX
    if aside.is_dir() and not output.exists():
        aside.rename(output)


def begin(partial: Path, plan: Plan | None, progress: Callable[[int, int], None]) -> Checkpoint:
    """Return the checkpoint of an interrupted build of the same plan, or a new one; remove all other files.

    Args:
        partial: the locked working folder.
        plan: as for `unfinished_index`.
        progress: as for `unfinished_index`.

    Raises:
        StorageError: a folder cannot be created.
    """
    checkpoint = planned = Checkpoint(partial / _INDEX, partial / FILE_NAME, plan)
    earlier = read_checkpoint(planned.folder, planned.path)
    if earlier is not None and not earlier.is_empty:
        changed = changed_in_words(earlier.plan, planned.plan)
        if changed:
            _logger.info("%s holds an unfinished build with another %s; starting again", planned.path.parent, changed)
        else:
            checkpoint = earlier
            drop_damaged(checkpoint, progress)
            _logger.info("resuming the unfinished build in %s", planned.path.parent)
    _prune(checkpoint)
    with storage_errors(f"create {checkpoint.folder}"):
        checkpoint.folder.mkdir(exist_ok=True)
    return checkpoint


def changed_in_words(earlier: Plan | None, plan: Plan | None) -> str:
    """Return the names of the values that differ between two plans; empty for equal plans."""
    earlier, plan = earlier or {}, plan or {}
    names = sorted(name for name in earlier.keys() | plan.keys() if earlier.get(name) != plan.get(name))
    return ", ".join(name.replace("_", " ") for name in names)


def drop_unusable(partial: Path, is_usable: Callable[[Plan], bool]) -> None:
    """Remove what an interrupted process left in a working folder, unless it can be resumed.

    Args:
        partial: the locked working folder.
        is_usable: whether a process with this plan can be resumed.
    """
    checkpoint = read_checkpoint(partial / _INDEX, partial / FILE_NAME)
    if checkpoint is None or checkpoint.is_empty or not is_usable(checkpoint.plan or {}):
        for entry in _entries(partial):
            _remove(entry)


def keep_finished(partial: Path, error: BaseException) -> None:
    """Keep the finished stages after an error, as recorded on the disk, since the error may occur at any time."""
    checkpoint = read_checkpoint(partial / _INDEX, partial / FILE_NAME)
    if checkpoint is not None and not checkpoint.is_empty:
        _prune(checkpoint)
        _logger.info("finished stages are kept in %s; run the same command to resume", partial)
        return
    shutil.rmtree(partial, ignore_errors=True)
    if isinstance(error, KeyboardInterrupt):
        _logger.info("the build was interrupted and left no files; run the same command to start it again")


def _prune(checkpoint: Checkpoint) -> None:
    """Remove all files that do not belong to a finished stage."""
    finished = checkpoint.files()
    for entry in _entries(checkpoint.path.parent):
        if entry != checkpoint.folder and (entry != checkpoint.path or checkpoint.is_empty):
            _remove(entry)
    for entry in _entries(checkpoint.folder):
        if entry.name == TOKENIZER_FOLDER and checkpoint.tokenizer is not None:
            continue
        if not any(path.parent == entry for path in finished):
            _remove(entry)
    for path in finished:
        for entry in _entries(path.parent):
            if entry not in finished:
                _remove(entry)


def _entries(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.is_dir() else []


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
