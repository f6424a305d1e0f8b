"""`manifest.json`: what an index folder says of itself (docs/index-format.md)."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from infgram.errors import IndexDamagedError, IndexNotFoundError, IndexVersionError, StorageError
from infgram.files.signed_json import take_digest, write_signed

FILE_NAME: Final = "manifest.json"
FORMAT: Final = "infgram-index"
FORMAT_VERSION: Final = 3
OLDEST_READABLE_FORMAT_VERSION: Final = 1
SUFFIX_ORDER: Final = "token-id, document end first, equal suffixes by position"

_DIRECTORY: Final = ("directory.bin", "first_token_starts.bin", "continuations.bin", "stored_contexts.bin")


@dataclass(frozen=True)
class SectionEntry:
    """One file of a shard: its size with header and padding, and the checksum of its payload (XXH64, 16 digits)."""

    size_bytes: int
    xxh64: str


@dataclass(frozen=True)
class ShardEntry:
    """One folder of section files."""

    folder: str
    n_tokens: int
    n_documents: int
    sections: dict[str, SectionEntry]

    @property
    def size_bytes(self) -> int:
        """Of all its files."""
        return sum(section.size_bytes for section in self.sections.values())

    @property
    def directory_bytes(self) -> int:
        """Of the files that every search reads, which opening brings into memory."""
        return sum(self.sections[name].size_bytes for name in _DIRECTORY if name in self.sections)


@dataclass(frozen=True)
class TokenizerEntry:
    """The tokenizer in the folder `tokenizer/`; `fingerprint` is its digest, the SHA-256 of the saved definition."""

    kind: str
    fingerprint: str


@dataclass(frozen=True)
class SkippedEntry:
    """A piece of the input that was left out, and why."""

    source: str
    line: int | None
    reason: str


@dataclass(frozen=True)
class Manifest:
    """Everything there is to know of an index before its sections are opened. Holds no time, host or path."""

    builder_version: str
    vocab_size: int
    token_width_bits: int
    tokenizer: TokenizerEntry | None
    shards: tuple[ShardEntry, ...]
    skipped: tuple[SkippedEntry, ...] = ()
    suffix_order: str = SUFFIX_ORDER
    format_version: int = FORMAT_VERSION
    format: str = field(default=FORMAT)

    @property
    def n_tokens(self) -> int:
        """Tokens of all shards."""
        return sum(shard.n_tokens for shard in self.shards)

    @property
    def n_documents(self) -> int:
        """Documents of all shards."""
        return sum(shard.n_documents for shard in self.shards)

    @cached_property
    def fingerprint(self) -> str:
        """The SHA-256 of the sizes and checksums of all files: equal where the shards are."""
        return hashlib.sha256(json.dumps([asdict(shard) for shard in self.shards]).encode()).hexdigest()

    def write(self, folder: Path) -> None:
        """Write the manifest, flushed to the disk and under its final name at once.

        Raises:
            StorageError: the operating system refused.
        """
        content = {**asdict(self), "n_tokens": self.n_tokens, "n_documents": self.n_documents}
        write_signed(folder / FILE_NAME, content)

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """The manifest of an index folder.

        Raises:
            IndexNotFoundError: the folder does not exist or has no manifest.
            IndexVersionError: the format is newer than this version reads, or orders suffixes otherwise.
            IndexDamagedError: the manifest was altered.
        """
        content = _load(folder)
        _check_version(folder, content)
        path = folder / FILE_NAME
        if not take_digest(content):
            raise IndexDamagedError(f"{path} does not match its own checksum; copy the index again or rebuild it")
        try:
            return _parse(content)
        except (AttributeError, KeyError, TypeError) as error:
            raise IndexDamagedError(f"{path} lacks a field or has one too many: {error}; rebuild the index") from error


def _load(folder: Path) -> dict[str, Any]:
    path = folder / FILE_NAME
    if not folder.exists():
        raise IndexNotFoundError(f"{folder} does not exist; expected the folder of an index, as `infgram build` makes")
    try:
        content = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError) as error:
        raise IndexNotFoundError(
            f"{folder} is no index: it has no {FILE_NAME} (a build that was stopped leaves none); build it again"
        ) from error
    except (ValueError, RecursionError) as error:
        raise IndexDamagedError(f"{path} is not valid JSON; copy the index again or rebuild it") from error
    except OSError as error:
        raise StorageError(error.errno, f"cannot read {path}: {error.strerror}") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise IndexDamagedError(f'{path} is no manifest of infgram: expected an object with "format": "{FORMAT}"')
    return content


def _check_version(folder: Path, content: dict[str, Any]) -> None:
    version, order = content.get("format_version"), content.get("suffix_order")
    if not isinstance(version, int) or not OLDEST_READABLE_FORMAT_VERSION <= version <= FORMAT_VERSION:
        raise IndexVersionError(
            f"{folder} has format version {version!r}, this infgram reads {OLDEST_READABLE_FORMAT_VERSION} to "
            f"{FORMAT_VERSION}; use a matching infgram or rebuild the index"
        )
    if order != SUFFIX_ORDER:
        raise IndexVersionError(f"{folder} orders its suffixes by {order!r}, this infgram reads {SUFFIX_ORDER!r}")


def _parse(content: dict[str, Any]) -> Manifest:
    fields = {name: value for name, value in content.items() if name not in ("n_tokens", "n_documents")}
    tokenizer = fields.pop("tokenizer")
    return Manifest(
        tokenizer=None if tokenizer is None else TokenizerEntry(**tokenizer),
        shards=tuple(shard_entry(entry) for entry in fields.pop("shards")),
        skipped=tuple(SkippedEntry(**entry) for entry in fields.pop("skipped")),
        **fields,
    )


def shard_entry(entry: dict[str, Any]) -> ShardEntry:
    """The entry that `asdict` made an object of, which is used up."""
    sections = {name: SectionEntry(**section) for name, section in entry.pop("sections").items()}
    return ShardEntry(sections=sections, **entry)
