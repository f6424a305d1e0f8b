"""The task that reads and encodes a split, and stores its parts."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from infgram import _core
from infgram.cluster.indexing.parts import FILES, PartEntry, PartSequence, part_file_name
from infgram.cluster.indexing.records import SplitRecord, split_record_name, write_record
from infgram.cluster.indexing.scratch import task_folder
from infgram.cluster.indexing.tasks import Done, Site, fetch_tokenizer
from infgram.cluster.storage.storage import Storage, storage_at
from infgram.corpus import OnError
from infgram.corpus.documents import FormatName, ReadOptions
from infgram.corpus.fingerprint import FileEntry, reading_of
from infgram.corpus.readers.text_field import TextField
from infgram.files.manifest import SkippedEntry, TokenizerEntry
from infgram.indexing.memory import Budget
from infgram.indexing.tokenize import tokenize


@dataclass(frozen=True)
class TokenizeTask:
    """The arguments of `tokenize_split`.

    Attributes:
        site: locations and resources.
        number: the number of the split.
        files: the files of the split.
        text_field: the field of the text.
        on_error: what to do with input that cannot be read.
        tokenizer: the tokenizer of the index.
        format: the format of all files, or `"auto"`.
    """

    site: Site
    number: int
    files: list[FileEntry]
    text_field: str
    on_error: OnError
    tokenizer: TokenizerEntry
    format: FormatName


def tokenize_split(task: TokenizeTask) -> Done[SplitRecord]:
    """Read and encode a split, store its parts, then write its record.

    Raises:
        InputError: the input cannot be read, or has changed since the plan was written.
        StorageError: the storage or the operating system reported an error.
    """
    began, site = time.monotonic(), task.site
    storage = storage_at(site.partial)
    parts: list[PartEntry] = []
    with task_folder(site.scratch) as folder:
        tokenizer = fetch_tokenizer(site.output, task.tokenizer, folder)
        budget = Budget(site.memory_bytes, trains=False, kind=tokenizer.kind)
        options = ReadOptions(TextField(task.text_field), format=task.format)
        reading = reading_of(task.files, options, task.on_error)
        width_bits = _core.token_bits_for(tokenizer.vocab_size)
        sequence = PartSequence(folder, width_bits, partial(_publish, storage, folder, task.number, parts))
        for batch in tokenize(reading.documents_of_a_part(), tokenizer, *budget.tokenizing(site.threads)):
            sequence.add(batch)
        sequence.close()
    for file in task.files:
        file.check_unchanged()
    skipped = [SkippedEntry(entry.source, entry.line, entry.reason) for entry in reading.skipped]
    record = SplitRecord(task.number, parts, skipped, reading.totals)
    write_record(storage, split_record_name(task.number), site.build_id, record)
    written = sum(file.size_bytes for part in parts for file in part.files.values())
    return Done(record, time.monotonic() - began, sum(file.size_bytes for file in task.files), written)


def _publish(storage: Storage, folder: Path, split: int, parts: list[PartEntry], entry: PartEntry) -> None:
    for name in FILES:
        storage.upload(folder / name, part_file_name(split, len(parts), name))
    parts.append(entry)
