"""The finished stages of a build, saved beside it so that the same command can resume an interrupted build."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final, TypeAlias

from infgram.files.disk import open_regular
from infgram.files.manifest import (
    DOCUMENT_NUMBERS,
    SHARD,
    SKIPPED,
    TOKENIZER,
    SectionEntry,
    ShardEntry,
    SkippedEntry,
    TokenizerEntry,
)
from infgram.files.schema import anything, items, mapping, optional, record
from infgram.files.sections import WRITTEN_BY_SORTING, WRITTEN_FIRST, entry_of, is_intact
from infgram.files.signed_json import read_json, take_digest, write_signed

FILE_NAME: Final = "build.json"
TOKENIZER_FOLDER: Final = "tokenizer"

Plan: TypeAlias = dict[str, Any]
"""Everything that determines the index: equal plans give equal bytes."""


@dataclass
class Checkpoint:
    """The finished stages of one build, saved after each stage unless the build has no plan.

    Attributes:
        folder: the folder of the unfinished index.
        path: the file of this checkpoint.
        plan: the plan of the build, as JSON values; None if the build cannot be resumed, and nothing is saved.
        tokenizer: the tokenizer that was trained for this index and is saved in it.
        shards: the shards whose documents are written; a sorted shard includes its suffix array.
        skipped: the skipped input; None until all input has been read.
    """

    folder: Path
    path: Path
    plan: Plan | None
    tokenizer: TokenizerEntry | None = None
    shards: list[ShardEntry] = field(default_factory=list)
    skipped: list[SkippedEntry] | None = None

    @property
    def is_empty(self) -> bool:
        """Whether no stage is finished, or the build cannot be resumed."""
        return self.plan is None or (self.tokenizer is None and not self.shards)

    def finish_training(self, entry: TokenizerEntry) -> None:
        """Record that the trained tokenizer is saved."""
        self.tokenizer = entry
        self._write()

    def finish_shard(self, name: str, n_tokens: int, n_documents: int, first_document: int) -> None:
        """Record that all documents of a shard are on the disk."""
        numbers = (DOCUMENT_NUMBERS,) if (self.folder / name / DOCUMENT_NUMBERS).exists() else ()
        sections = {file: entry_of(self.folder / name / file) for file in (*WRITTEN_FIRST, *numbers)}
        self.shards.append(ShardEntry(name, n_tokens, n_documents, sections, first_document))
        self._write()

    def finish_reading(self, skipped: Sequence[SkippedEntry]) -> None:
        """Record that all documents are in shards."""
        self.skipped = list(skipped)
        self._write()

    def finish_sorting(self, number: int) -> None:
        """Record that the suffix array of a shard is on the disk."""
        shard = self.shards[number]
        entries = {file: entry_of(self.folder / shard.folder / file) for file in WRITTEN_BY_SORTING}
        self.shards[number] = replace(shard, sections={**shard.sections, **entries})
        self._write()

    def clear(self) -> None:
        """Mark all stages as unfinished."""
        self.tokenizer, self.shards, self.skipped = None, [], None

    def files(self) -> set[Path]:
        """Return the files of the finished shards."""
        return {self.folder / shard.folder / file for shard in self.shards for file in shard.sections}

    def _write(self) -> None:
        if self.plan is not None:
            content = asdict(self)
            del content["folder"], content["path"]
            write_signed(self.path, content)


def read_checkpoint(folder: Path, path: Path) -> Checkpoint | None:
    """Read the checkpoint of an earlier build; None if it is missing or damaged."""
    try:
        content = read_json(path)
        if not isinstance(content, dict) or not take_digest(content):
            return None
        stages = _STAGES(content, "")
    except (OSError, ValueError):
        return None
    skipped = stages["skipped"]
    return Checkpoint(
        folder,
        path,
        stages["plan"],
        stages["tokenizer"],
        list(stages["shards"]),
        None if skipped is None else list(skipped),
    )


_STAGES: Final = record(
    dict[str, Any],
    plan=mapping(anything),
    tokenizer=optional(TOKENIZER),
    shards=items(SHARD),
    skipped=optional(items(SKIPPED)),
)


def drop_damaged(checkpoint: Checkpoint, progress: Callable[[int, int], None]) -> None:
    """Read all finished files, and mark stages with damaged files as unfinished.

    If the tokenizer is damaged, all stages are dropped. If the documents of a shard are damaged, the shard and all
    later shards are dropped, since documents are written in order.

    Args:
        checkpoint: the checkpoint, which is modified.
        progress: called with the number of bytes read and the total.
    """
    if checkpoint.tokenizer is not None and not _is_saved(checkpoint.tokenizer, checkpoint.folder / TOKENIZER_FOLDER):
        checkpoint.clear()
    total = sum(shard.size_bytes for shard in checkpoint.shards)
    done = 0
    for number, shard in enumerate(checkpoint.shards):
        intact: dict[str, SectionEntry] = {}
        for name, section in shard.sections.items():
            if is_intact(checkpoint.folder / shard.folder / name, section):
                intact[name] = section
            done += section.size_bytes
            progress(done, total)
        if not {*WRITTEN_FIRST, *shard.sections} - {*WRITTEN_BY_SORTING} <= intact.keys():
            del checkpoint.shards[number:]
            checkpoint.skipped = None
            return
        checkpoint.shards[number] = replace(shard, sections=intact)


def _is_saved(tokenizer: TokenizerEntry, folder: Path) -> bool:
    """Return whether the saved tokenizer is intact; its fingerprint is the SHA-256 of the file."""
    try:
        with open_regular(folder / "tokenizer.json") as file:
            definition = file.read()
    except OSError:
        return False
    return hashlib.sha256(definition).hexdigest() == tokenizer.fingerprint
