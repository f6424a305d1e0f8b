"""`manifest.json`: the description of an index folder (docs/index-format.md)."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from infgram.caching import cached_property
from infgram.errors import IndexDamagedError, IndexNotFoundError, IndexVersionError, StorageError
from infgram.files.disk import IrregularFileError
from infgram.files.schema import SchemaError, hexadecimal, integer, items, mapping, one_of, optional, record, text
from infgram.files.signed_json import read_json, take_digest, write_signed
from infgram.files.sizes import FRAME_BYTES, payload_bytes

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
        """Read the manifest of an index folder, and check every field (docs/index-format.md).

        Raises:
            IndexNotFoundError: the folder does not exist or has no manifest.
            IndexVersionError: this version cannot read the format, the suffix order or the kind of tokenizer.
            IndexDamagedError: the manifest is damaged.
            StorageError: the operating system reported an error.
        """
        content = _load(folder)
        path = folder / FILE_NAME
        _check_version(path, content)
        if not take_digest(content):
            raise IndexDamagedError(f"{path} does not match its own checksum; copy the index again or rebuild it")
        try:
            manifest = _manifest(content)
        except SchemaError as error:
            raise IndexDamagedError(f"{path}: {error}; copy the index again or rebuild it") from error
        if manifest.tokenizer is not None and manifest.tokenizer.kind not in _TOKENIZER_KINDS:
            raise _other_version(path, "tokenizer.kind", manifest.tokenizer.kind, " or ".join(_TOKENIZER_KINDS))
        return manifest


def _load(folder: Path) -> dict[str, Any]:
    path = folder / FILE_NAME
    try:
        content = read_json(path)
    except (FileNotFoundError, NotADirectoryError) as error:
        if not folder.exists():
            raise IndexNotFoundError(
                f"{folder} does not exist; expected an index folder, created by `infgram build`"
            ) from error
        raise IndexNotFoundError(
            f"{folder} is not an index: it has no {FILE_NAME} (an interrupted build leaves none); build it again"
        ) from error
    except ValueError as error:
        raise IndexDamagedError(
            f"{path} is not a manifest of infgram: not valid JSON ({error}); copy the index again or rebuild it"
        ) from error
    except IrregularFileError as error:
        raise IndexDamagedError(f"{path} is not a regular file; copy the index again or rebuild it") from error
    except OSError as error:
        raise StorageError(error.errno, f"cannot read {path}: {error.strerror}") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise IndexDamagedError(f'{path} is not a manifest of infgram: expected an object with "format": "{FORMAT}"')
    return content


def _check_version(path: Path, content: dict[str, Any]) -> None:
    """Check what tells how to read the rest, before anything else is checked."""
    version, order = content.get("format_version"), content.get("suffix_order")
    if type(version) is not int or not OLDEST_READABLE_FORMAT_VERSION <= version <= FORMAT_VERSION:
        raise _other_version(path, "format_version", version, f"{OLDEST_READABLE_FORMAT_VERSION} to {FORMAT_VERSION}")
    if order != SUFFIX_ORDER:
        raise _other_version(path, "suffix_order", order, repr(SUFFIX_ORDER))


def _other_version(path: Path, name: str, found: Any, known: str) -> IndexVersionError:
    return IndexVersionError(
        f"{path}: {name.replace('_', ' ')} is {found!r:.80}, this infgram reads {known}; use a matching infgram or "
        "rebuild the index"
    )


def _manifest(content: dict[str, Any]) -> Manifest:
    """Convert and check the content of a manifest without its digest; raise SchemaError."""
    totals = {name: _COUNT(content.pop(name, None), name) for name in ("n_tokens", "n_documents")}
    manifest = _MANIFEST(content, "")
    if manifest.vocab_size >= 1 << manifest.token_width_bits:
        raise SchemaError(
            f"vocab_size is {manifest.vocab_size}, too large for tokens of {manifest.token_width_bits} bits"
        )
    for name, total in totals.items():
        found = sum(getattr(shard, name) for shard in manifest.shards)
        if total != found:
            raise SchemaError(f"{name} is {total}; expected the sum over the shards, {found}")
    folders = Counter(shard.folder for shard in manifest.shards)
    folder, n_times = folders.most_common(1)[0]
    if n_times > 1:
        raise SchemaError(f"the folder {folder!r} is in {n_times} shards; expected a folder for each")
    for number, shard in enumerate(manifest.shards):
        _check_sections(manifest, shard, f"shards[{number}]")
    return manifest


def _check_sections(manifest: Manifest, shard: ShardEntry, place: str) -> None:
    """Check the names of the sections, and the sizes that follow from the counts; raise SchemaError."""
    names = section_names(manifest.format_version)
    if shard.sections.keys() != names:
        raise SchemaError(
            f"{place}.sections has {sorted(shard.sections)!r:.400}; expected the files of format version "
            f"{manifest.format_version}: {', '.join(sorted(names))}"
        )
    counts = (shard.n_tokens, shard.n_documents, manifest.vocab_size, manifest.token_width_bits)
    for name, n_bytes in payload_bytes(*counts).items():
        expected = FRAME_BYTES + n_bytes
        if name in names and shard.sections[name].size_bytes != expected:
            raise SchemaError(
                f"{place}.sections.{name}.size_bytes is {shard.sections[name].size_bytes}; expected {expected} for "
                "these counts"
            )


_SECTIONS: Final = {
    1: (
        *("tokens.bin", "suffix_array.bin", "document_starts.bin", "first_token_starts.bin"),
        *("metadata.bin", "metadata_starts.bin"),
    ),
    2: ("directory.bin", "continuations.bin", "stored_contexts.bin"),
    3: ("sources.bin", "source_runs.bin"),
}
"""The section files, by the format version that introduced them."""


def section_names(format_version: int) -> set[str]:
    """Return the names of the section files of a shard."""
    return {name for since, names in _SECTIONS.items() if since <= format_version for name in names}


_TOKENIZER_KINDS: Final = ("bytes", "huggingface")

_COUNT: Final = integer(0)
_SECTION: Final = record(SectionEntry, size_bytes=integer(FRAME_BYTES), xxh64=hexadecimal(16))
TOKENIZER: Final = record(TokenizerEntry, kind=text(), fingerprint=hexadecimal(64))
SKIPPED: Final = record(SkippedEntry, source=text(), line=optional(integer(0)), reason=text())
SHARD: Final = record(
    ShardEntry,
    folder=text(r"(?!\.\.?$)[\w.-]{1,100}", "the name of a folder, of up to 100 ASCII letters, digits, -, _ and ."),
    n_tokens=_COUNT,
    n_documents=integer(1),
    sections=mapping(_SECTION, section_names(FORMAT_VERSION)),
)
"""The checks of entries, which records of unfinished builds contain, too."""

_MANIFEST: Final = record(
    Manifest,
    builder_version=text(),
    vocab_size=integer(1, 2**32 - 1),
    token_width_bits=one_of(8, 16, 32),
    tokenizer=optional(TOKENIZER),
    shards=items(SHARD, least=1),
    skipped=items(SKIPPED),
    suffix_order=one_of(SUFFIX_ORDER),
    format_version=integer(OLDEST_READABLE_FORMAT_VERSION, FORMAT_VERSION),
    format=one_of(FORMAT),
)
