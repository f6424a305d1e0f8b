"""All that decides what an index will be, written down before anything is done."""

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

PLAN_NAME: Final = "plan.json"

_MOST_FILES: Final = 10_000  # of a split, since each is named to its task


@dataclass(frozen=True)
class Plan:
    """What is to be built, of values that JSON has; the same plan gives the same bytes.

    Attributes:
        tokenizer: what decides the tokenizer, given the input.
        shard_tokens: a shard is closed when it holds so many tokens.
        text_field: the field of the text.
        on_error: what to do with input that cannot be read.
        input_format: of every file, or `"auto"`.
        input: the files, in the order of reading.
        not_listed: folders that could not be listed.
        splits: how many consecutive files are read by one task each.
        version: of the builder.
        format: of the index.
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
        """The plan for a corpus as it is now.

        Raises:
            InputError: a file is gone, or is standard input.
        """
        files = [FileEntry.of(file) for file in corpus.files]
        not_listed = [SkippedEntry(entry.source, entry.line, entry.reason) for entry in corpus.not_listed]
        splits = _splits([file.size_bytes for file in files], split_bytes)
        return cls(tokenizer, shard_tokens, text_field, on_error, input_format, files, not_listed, splits)

    @property
    def content(self) -> dict[str, Any]:
        """As it is written."""
        return asdict(self)

    @property
    def id(self) -> str:
        """The build's: the digest of the plan."""
        return digest(self.content)

    def files(self) -> list[list[FileEntry]]:
        """The files of each split."""
        return [self.input[first:last] for first, last in pairwise(accumulate(self.splits, initial=0))]


def _splits(sizes: Sequence[int], most_bytes: int) -> list[int]:
    """How many files each split has: as many as fit, and one at least."""
    splits: list[int] = []
    room = 0
    for size in sizes:
        if not splits or size > room or splits[-1] == _MOST_FILES:
            splits.append(0)
            room = most_bytes
        splits[-1] += 1
        room -= size
    return splits
