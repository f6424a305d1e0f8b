"""What is finished of a build: kept on the disk beside it, so that the same command can go on from there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final, TypeAlias

from infgram.files.manifest import SectionEntry, ShardEntry, SkippedEntry, TokenizerEntry, shard_entry
from infgram.files.sections import WRITTEN_BY_SORTING, WRITTEN_FIRST, entry_of, is_intact
from infgram.files.signed_json import take_digest, write_signed

FILE_NAME: Final = "build.json"
TOKENIZER_FOLDER: Final = "tokenizer"

Plan: TypeAlias = dict[str, Any]
"""All that decides what the index will be: the same plan gives the same bytes."""


@dataclass
class Checkpoint:
    """The finished stages of one build. Written to the disk after each, unless the build has no plan.

    Attributes:
        folder: where the index grows.
        path: the file of this object.
        plan: what is being built, of values that JSON has; None when that cannot be known, and nothing is kept.
        tokenizer: the tokenizer that was trained for this index and lies in it.
        shards: the shards whose documents are all written; a sorted one has its suffix array among its sections.
        skipped: what was left out of the input; None until all of it has been read.
    """

    folder: Path
    path: Path
    plan: Plan | None
    tokenizer: TokenizerEntry | None = None
    shards: list[ShardEntry] = field(default_factory=list)
    skipped: list[SkippedEntry] | None = None

    @property
    def is_empty(self) -> bool:
        """Whether no stage is finished, or none can be kept."""
        return self.plan is None or (self.tokenizer is None and not self.shards)

    def finish_training(self, entry: TokenizerEntry) -> None:
        """The trained tokenizer is saved."""
        self.tokenizer = entry
        self._write()

    def finish_shard(self, name: str, n_tokens: int, n_documents: int) -> None:
        """All files of a shard but its suffix array are on the disk."""
        sections = {file: entry_of(self.folder / name / file) for file in WRITTEN_FIRST}
        self.shards.append(ShardEntry(name, n_tokens, n_documents, sections))
        self._write()

    def finish_reading(self, skipped: Sequence[SkippedEntry]) -> None:
        """All documents are in shards."""
        self.skipped = list(skipped)
        self._write()

    def finish_sorting(self, number: int) -> None:
        """The suffix array of a shard is on the disk."""
        shard = self.shards[number]
        entries = {file: entry_of(self.folder / shard.folder / file) for file in WRITTEN_BY_SORTING}
        self.shards[number] = replace(shard, sections={**shard.sections, **entries})
        self._write()

    def forget(self) -> None:
        """Count nothing as finished."""
        self.tokenizer, self.shards, self.skipped = None, [], None

    def files(self) -> set[Path]:
        """The files of the finished shards."""
        return {self.folder / shard.folder / file for shard in self.shards for file in shard.sections}

    def _write(self) -> None:
        if self.plan is not None:
            content = asdict(self)
            del content["folder"], content["path"]
            write_signed(self.path, content)


def read_checkpoint(folder: Path, path: Path) -> Checkpoint | None:
    """What an earlier build has left; None when that is nothing that can be read."""
    try:
        content = json.loads(path.read_bytes())
        if not take_digest(content):
            return None
        tokenizer, shards, skipped = content.pop("tokenizer"), content.pop("shards"), content.pop("skipped")
        return Checkpoint(
            folder,
            path,
            tokenizer=None if tokenizer is None else TokenizerEntry(**tokenizer),
            shards=[shard_entry(entry) for entry in shards],
            skipped=None if skipped is None else [SkippedEntry(**entry) for entry in skipped],
            **content,
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def drop_what_is_damaged(checkpoint: Checkpoint, progress: Callable[[int, int], None]) -> None:
    """Read all finished files, and count as unfinished those whose checksum is wrong.

    Without its tokenizer nothing is left. A shard without its documents takes those after it with it, since
    documents are written in order.

    Args:
        checkpoint: is changed.
        progress: told the bytes read and the bytes in all.
    """
    if checkpoint.tokenizer is not None and not _is_saved(checkpoint.tokenizer, checkpoint.folder / TOKENIZER_FOLDER):
        checkpoint.forget()
    total = sum(shard.size_bytes for shard in checkpoint.shards)
    done = 0
    for number, shard in enumerate(checkpoint.shards):
        intact: dict[str, SectionEntry] = {}
        for name, section in shard.sections.items():
            if is_intact(checkpoint.folder / shard.folder / name, section):
                intact[name] = section
            done += section.size_bytes
            progress(done, total)
        if not set(WRITTEN_FIRST) <= set(intact):
            del checkpoint.shards[number:]
            checkpoint.skipped = None
            return
        checkpoint.shards[number] = replace(shard, sections=intact)


def _is_saved(tokenizer: TokenizerEntry, folder: Path) -> bool:
    """Whether the file of a trained tokenizer is there; its fingerprint is the SHA-256 of the file."""
    try:
        definition = (folder / "tokenizer.json").read_bytes()
    except OSError:
        return False
    return hashlib.sha256(definition).hexdigest() == tokenizer.fingerprint
