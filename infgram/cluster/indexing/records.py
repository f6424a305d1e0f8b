"""Records of finished tasks in storage: small signed JSON files that a task writes last."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final, TypeVar

from infgram.cluster.indexing.parts import PART, PartEntry
from infgram.cluster.storage.storage import Storage
from infgram.corpus.reading import InputTotals
from infgram.files.manifest import SHARD, SKIPPED, TOKENIZER, ShardEntry, SkippedEntry, TokenizerEntry
from infgram.files.schema import Check, SchemaError, integer, items, mapping, record, text
from infgram.files.signed_json import read_signed, signed

T = TypeVar("T")

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
    return _read(partial, TOKENIZER_RECORD, build_id, TOKENIZER)


def read_split_record(partial: Storage, number: int, build_id: str) -> SplitRecord | None:
    """Return the record of a split; None if this build has none."""
    return _read(partial, split_record_name(number), build_id, _SPLIT)


def read_shard_record(partial: Storage, number: int, build_id: str) -> ShardRecord | None:
    """Return the record of a shard; None if this build has none."""
    return _read(partial, shard_record_name(number), build_id, _SHARD)


def _read(partial: Storage, name: str, build_id: str, check: Check[T]) -> T | None:
    try:
        content = read_signed(partial.read(name))
        return check(content, name) if content is not None and content.pop(_BUILD, None) == build_id else None
    except (FileNotFoundError, SchemaError):
        return None


def _split_record(
    number: int, parts: tuple[PartEntry, ...], skipped: tuple[SkippedEntry, ...], found: InputTotals
) -> SplitRecord:
    return SplitRecord(number, list(parts), list(skipped), found)


def _input_totals(texts: tuple[str, ...], **counts: Any) -> InputTotals:
    return InputTotals(texts=list(texts), **counts)


_COUNT: Final = integer(0)
_SHARD: Final = record(ShardRecord, number=_COUNT, shard=SHARD)
_SPLIT: Final = record(
    _split_record,
    number=_COUNT,
    parts=items(PART),
    skipped=items(SKIPPED),
    found=record(
        _input_totals,
        n_documents=_COUNT,
        n_records=_COUNT,
        n_with_field=_COUNT,
        other_fields=text(),
        n_whole_files=_COUNT,
        fields_of_a_file=text(),
        n_files=mapping(_COUNT),
        texts=items(text()),
    ),
)
