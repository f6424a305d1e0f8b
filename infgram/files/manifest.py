"""`manifest.json`: the description of an index folder (docs/index-format.md)."""

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
    """One file of a shard: its size with header and padding, and the XXH64 of its payload in 16 hexadecimal digits."""

    size_bytes: int
    xxh64: str


@dataclass(frozen=True)
class ShardEntry:
    """One shard: a folder of section files."""

    folder: str
    n_tokens: int
    n_documents: int
    sections: dict[str, SectionEntry]

    @property
    def size_bytes(self) -> int:
        """The size of all files of the shard."""
        return sum(section.size_bytes for section in self.sections.values())

    @property
    def directory_bytes(self) -> int:
        """The size of the files that every search uses and that opening reads into memory."""
        return sum(self.sections[name].size_bytes for name in _DIRECTORY if name in self.sections)


@dataclass(frozen=True)
class TokenizerEntry:
    """The tokenizer in the folder `tokenizer/`; `fingerprint` is the SHA-256 of the saved definition."""

    kind: str
    fingerprint: str


@dataclass(frozen=True)
class SkippedEntry:
    """A file or record that the build skipped, with the reason."""

    source: str
    line: int | None
    reason: str


@dataclass(frozen=True)
class Manifest:
    """The description of an index. It contains no time, host or path, so that equal builds give equal manifests."""

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
        """The number of tokens of all shards."""
        return sum(shard.n_tokens for shard in self.shards)

    @property
    def n_documents(self) -> int:
        """The number of documents of all shards."""
        return sum(shard.n_documents for shard in self.shards)

    @cached_property
    def fingerprint(self) -> str:
        """The SHA-256 of the sizes and checksums of all files: equal for equal shards."""
        return hashlib.sha256(json.dumps([asdict(shard) for shard in self.shards]).encode()).hexdigest()

    def write(self, folder: Path) -> None:
        """Write the manifest atomically and flush it to the disk.

        Raises:
            StorageError: the file cannot be written.
        """
        content = {**asdict(self), "n_tokens": self.n_tokens, "n_documents": self.n_documents}
        write_signed(folder / FILE_NAME, content)

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Read the manifest of an index folder.

        Raises:
            IndexNotFoundError: the folder does not exist or has no manifest.
            IndexVersionError: this version cannot read the format or the suffix order.
            IndexDamagedError: the manifest is damaged.
        """
        content = _load(folder)
        _check_version(folder, content)
        path = folder / FILE_NAME
        if not take_digest(content):
            raise IndexDamagedError(f"{path} does not match its own checksum; copy the index again or rebuild it")
        try:
            return _parse(content)
        except (AttributeError, KeyError, TypeError) as error:
            raise IndexDamagedError(f"{path} has a missing or unknown field: {error}; rebuild the index") from error


def _load(folder: Path) -> dict[str, Any]:
    path = folder / FILE_NAME
    if not folder.exists():
        raise IndexNotFoundError(f"{folder} does not exist; expected an index folder, created by `infgram build`")
    try:
        content = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError) as error:
        raise IndexNotFoundError(
            f"{folder} is not an index: it has no {FILE_NAME} (an interrupted build leaves none); build it again"
        ) from error
    except (ValueError, RecursionError) as error:
        raise IndexDamagedError(f"{path} is not valid JSON; copy the index again or rebuild it") from error
    except OSError as error:
        raise StorageError(error.errno, f"cannot read {path}: {error.strerror}") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise IndexDamagedError(f'{path} is not a manifest of infgram: expected an object with "format": "{FORMAT}"')
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
    """Convert the dictionary that `asdict` made of a shard entry back; the dictionary is consumed."""
    sections = {name: SectionEntry(**section) for name, section in entry.pop("sections").items()}
    return ShardEntry(sections=sections, **entry)
