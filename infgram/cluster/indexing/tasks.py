"""What every task is told, and what it says of itself when it is done."""

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
    """Where a task works.

    Attributes:
        build_id: of the plan.
        output: the location of the index.
        partial: of the unfinished build.
        scratch: a folder of the machine that runs the task; None for the place of temporary files.
        threads: at most so many.
        memory_bytes: at most so much; None for half of what the machine has left.
    """

    build_id: str
    output: str
    partial: str
    scratch: str | None
    threads: int
    memory_bytes: int | None


@dataclass(frozen=True)
class Done(Generic[Record]):
    """A task's end.

    Attributes:
        record: what it has written last.
        elapsed_s: how long it had its CPUs.
        bytes_read: from the input or from storage.
        bytes_written: to storage.
    """

    record: Record
    elapsed_s: float
    bytes_read: int
    bytes_written: int


def fetch_tokenizer(output: str, entry: TokenizerEntry, folder: Path) -> Tokenizer:
    """The tokenizer in an output.

    Args:
        output: the location of the index.
        entry: what the tokenizer must be.
        folder: where a copy of its files may be made.

    Raises:
        IndexDamagedError: it is another one.
        StorageError: it cannot be read.
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
