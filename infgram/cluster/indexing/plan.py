"""The plan of a build: everything that determines the index, written before any task runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import accumulate, pairwise
from typing import Any, Final

from infgram import _core
from infgram.corpus import Corpus, FormatName, OnError
from infgram.corpus.fingerprint import FileEntry
from infgram.files.manifest import FORMAT_VERSION, SkippedEntry
from infgram.files.signed_json import digest

_MOST_FILES: Final = 10_000  # files per split, because a task contains all their names


@dataclass(frozen=True)
class Plan:
    """The plan of a build, with JSON values only. Equal plans give equal indexes, byte for byte.

    Attributes:
        tokenizer: the options that determine the tokenizer, given the input.
        shard_tokens: the number of tokens at which a shard is closed.
        text_field: the field of the text.
        on_error: what to do with input that cannot be read.
        input_format: the format of all files, or `"auto"`.
        input: the input files, in reading order.
        not_listed: folders that could not be listed.
        splits: the number of consecutive files that each task reads.
        version: the version of infgram.
        format: the version of the index format.
    """

    tokenizer: dict[str, Any]
    shard_tokens: int
    text_field: str
    on_error: OnError
    input_format: FormatName
    input: list[FileEntry]
    not_listed: list[SkippedEntry]
    splits: list[int]
    version: str = _core.__version__
    format: int = FORMAT_VERSION

    @classmethod
    def of(
        cls,
        corpus: Corpus,
        tokenizer: dict[str, Any],
        *,
        shard_tokens: int,
        text_field: str,
        on_error: OnError,
        input_format: FormatName,
        split_bytes: int,
    ) -> Plan:
        """Return the plan for the current state of a corpus.

        Raises:
            InputError: a file is missing, or is standard input.
        """
        files = [FileEntry.of(file) for file in corpus.files]
        not_listed = [SkippedEntry(entry.source, entry.line, entry.reason) for entry in corpus.not_listed]
        splits = _splits([file.size_bytes for file in files], split_bytes)
        return cls(tokenizer, shard_tokens, text_field, on_error, input_format, files, not_listed, splits)

    @property
    def content(self) -> dict[str, Any]:
        """The plan as a JSON object."""
        return asdict(self)

    @property
    def id(self) -> str:
        """The id of the build: the digest of the plan."""
        return digest(self.content)

    def files(self) -> list[list[FileEntry]]:
        """Return the files of each split."""
        return [self.input[first:last] for first, last in pairwise(accumulate(self.splits, initial=0))]


def _splits(sizes: Sequence[int], most_bytes: int) -> list[int]:
    """Return the number of files of each split: as many as fit, but at least one."""
    splits: list[int] = []
    room = 0
    for size in sizes:
        if not splits or size > room or splits[-1] == _MOST_FILES:
            splits.append(0)
            room = most_bytes
        splits[-1] += 1
        room -= size
    return splits
