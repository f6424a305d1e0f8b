"""Arguments and results that all tasks share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from infgram.cluster.storage.storage import Storage, storage_at
from infgram.files.manifest import TokenizerEntry
from infgram.tokenizers import SavedTokenizer, Tokenizer

TOKENIZER_FOLDER = "tokenizer"

Record = TypeVar("Record")


@dataclass(frozen=True)
class Site:
    """Locations and resources of a task.

    Attributes:
        build_id: the id of the plan.
        output: the location of the index.
        partial: the location of the unfinished build.
        scratch: a folder on the machine of the task; None for the default temporary folder.
        threads: the maximum number of threads.
        memory_bytes: the memory limit; None for half of the available memory.
    """

    build_id: str
    output: str
    partial: str
    scratch: str | None
    threads: int
    memory_bytes: int | None


@dataclass(frozen=True)
class Done(Generic[Record]):
    """The result of a finished task.

    Attributes:
        record: the record of the task.
        elapsed_s: the duration of the task in seconds.
        bytes_read: bytes read from the input or from storage.
        bytes_written: bytes written to storage.
    """

    record: Record
    elapsed_s: float
    bytes_read: int
    bytes_written: int


def fetch_tokenizer(output: str, entry: TokenizerEntry, folder: Path) -> Tokenizer:
    """Load the tokenizer of an output.

    Args:
        output: the location of the index.
        entry: the expected tokenizer.
        folder: a folder for a local copy of its files.

    Raises:
        IndexDamagedError: the tokenizer differs from `entry`.
        StorageError: the tokenizer cannot be read.
    """
    storage = storage_at(output)
    saved = SavedTokenizer(entry.kind, _local_copy(storage, folder))
    saved.check(entry.fingerprint)
    return saved.load()


def _local_copy(storage: Storage, folder: Path) -> Path:
    if storage.folder is not None:
        return storage.folder / TOKENIZER_FOLDER
    copy = folder / TOKENIZER_FOLDER
    copy.mkdir()
    for name in storage.names(TOKENIZER_FOLDER):
        storage.download(name, copy / Path(name).name)
    return copy
