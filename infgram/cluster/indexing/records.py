"""Records of finished tasks in storage: small signed JSON files that a task writes last."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

from infgram.cluster.indexing.parts import PartEntry
from infgram.cluster.storage.storage import Storage
from infgram.corpus.reading import InputTotals
from infgram.files.manifest import ShardEntry, SkippedEntry, TokenizerEntry, shard_entry
from infgram.files.signed_json import read_signed, signed

_BUILD: Final = "build"
TOKENIZER_RECORD: Final = "tokenizer.json"


def split_record_name(number: int) -> str:
    """Return the name of the record of a split, in the folder of the unfinished build."""
    return f"splits/{number:06d}.json"


def shard_record_name(number: int) -> str:
    """Return the name of the record of a shard, in the folder of the unfinished build."""
    return f"shards/{number:05d}.json"


@dataclass(frozen=True)
class SplitRecord:
    """The record of a split whose parts are in storage.

    Attributes:
        number: the number of the split.
        parts: its parts, in document order.
        skipped: its input that could not be read.
        found: its counts of documents and text fields.
    """

    number: int
    parts: list[PartEntry]
    skipped: list[SkippedEntry]
    found: InputTotals


@dataclass(frozen=True)
class ShardRecord:
    """The record of a shard whose files are in the output.

    Attributes:
        number: the number of the shard.
        shard: its entry for the manifest.
    """

    number: int
    shard: ShardEntry


def write_record(partial: Storage, name: str, build_id: str, record: Any) -> None:
    """Write the record, a dataclass, of one build.

    Raises:
        StorageError: the record cannot be written.
    """
    partial.write(name, signed({**asdict(record), _BUILD: build_id}).encode("ascii"))


def read_tokenizer_record(partial: Storage, build_id: str) -> TokenizerEntry | None:
    """Return the entry of the tokenizer in the output; None if this build has not stored one."""
    content = _read(partial, TOKENIZER_RECORD, build_id)
    return None if content is None else TokenizerEntry(**content)


def read_split_record(partial: Storage, number: int, build_id: str) -> SplitRecord | None:
    """Return the record of a split; None if this build has none."""
    content = _read(partial, split_record_name(number), build_id)
    if content is None:
        return None
    return SplitRecord(
        number,
        [PartEntry.of(part) for part in content["parts"]],
        [SkippedEntry(**entry) for entry in content["skipped"]],
        InputTotals(**content["found"]),
    )


def read_shard_record(partial: Storage, number: int, build_id: str) -> ShardRecord | None:
    """Return the record of a shard; None if this build has none."""
    content = _read(partial, shard_record_name(number), build_id)
    return None if content is None else ShardRecord(number, shard_entry(content["shard"]))


def _read(partial: Storage, name: str, build_id: str) -> dict[str, Any] | None:
    try:
        content = read_signed(partial.read(name))
    except FileNotFoundError:
        return None
    return content if content is not None and content.pop(_BUILD, None) == build_id else None
