"""What is finished of a build in storage: small signed JSON files, each the last thing that its task writes."""

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
    """The record of a split, in the folder of the unfinished build."""
    return f"splits/{number:06d}.json"


def shard_record_name(number: int) -> str:
    """The record of a shard, likewise."""
    return f"shards/{number:05d}.json"


@dataclass(frozen=True)
class SplitRecord:
    """The tokens of a split are in storage.

    Attributes:
        number: of the split.
        parts: in the order of the documents.
        skipped: what of it could not be read.
        found: documents and text fields.
    """

    number: int
    parts: list[PartEntry]
    skipped: list[SkippedEntry]
    found: InputTotals


@dataclass(frozen=True)
class ShardRecord:
    """The files of a shard are in the output.

    Attributes:
        number: of the shard.
        shard: what the manifest will say of it.
    """

    number: int
    shard: ShardEntry


def write_record(partial: Storage, name: str, build_id: str, record: Any) -> None:
    """Write the record, a dataclass, of one build.

    Raises:
        StorageError: it cannot be written.
    """
    partial.write(name, signed({**asdict(record), _BUILD: build_id}).encode("ascii"))


def read_tokenizer_record(partial: Storage, build_id: str) -> TokenizerEntry | None:
    """The tokenizer that was trained and is in the output; None if there is none of this build."""
    content = _read(partial, TOKENIZER_RECORD, build_id)
    return None if content is None else TokenizerEntry(**content)


def read_split_record(partial: Storage, number: int, build_id: str) -> SplitRecord | None:
    """The record of a split; None if there is none of this build."""
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
    """The record of a shard; None if there is none of this build."""
    content = _read(partial, shard_record_name(number), build_id)
    return None if content is None else ShardRecord(number, shard_entry(content["shard"]))


def _read(partial: Storage, name: str, build_id: str) -> dict[str, Any] | None:
    try:
        content = read_signed(partial.read(name))
    except FileNotFoundError:
        return None
    return content if content is not None and content.pop(_BUILD, None) == build_id else None
