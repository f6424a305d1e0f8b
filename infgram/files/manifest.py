"""`manifest.json`: the description of an index folder (docs/index-format.md)."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from itertools import accumulate
from pathlib import Path
from typing import Any, Final

from infgram.caching import cached_property
from infgram.errors import IndexDamagedError, IndexNotFoundError, IndexVersionError, StorageError
from infgram.files.disk import IrregularFileError
from infgram.files.schema import (
    Check,
    SchemaError,
    hexadecimal,
    integer,
    items,
    mapping,
    one_of,
    optional,
    record,
    text,
)
from infgram.files.signed_json import read_json, take_digest, write_signed
from infgram.files.sizes import FRAME_BYTES, payload_bytes

FILE_NAME: Final = "manifest.json"
FORMAT: Final = "infgram-index"
FORMAT_VERSION: Final = 3
"""The version that a build writes, and that of the section files."""

CHANGED_FORMAT_VERSION: Final = 4
"""The version of an index that was changed after its build: of its manifest, not of its section files."""

OLDEST_READABLE_FORMAT_VERSION: Final = 1
SUFFIX_ORDER: Final = "token-id, document end first, equal suffixes by position"

DOCUMENT_NUMBERS: Final = "document_numbers.bin"
"""The section with the numbers of the documents of a shard, which exists only if they are not consecutive."""

_DIRECTORY: Final = ("directory.bin", "first_token_starts.bin", "continuations.bin", "stored_contexts.bin")
_ADDED: Final = ("first_document", "removals")
"""The fields of a shard that version 4 adds."""


@dataclass(frozen=True)
class SectionEntry:
    """One file of a shard: its size with header and padding, and the XXH64 of its payload in 16 hexadecimal digits."""

    size_bytes: int
    xxh64: str


@dataclass(frozen=True)
class Removals:
    """The removed documents of a shard.

    Attributes:
        generation: the generation that wrote the files, which is part of their names.
        n_documents: the number of removed documents.
        n_tokens: the number of their tokens.
        sections: the two files.
    """

    generation: int
    n_documents: int
    n_tokens: int
    sections: dict[str, SectionEntry]


@dataclass(frozen=True)
class ShardEntry:
    """One shard: a folder of section files, which never change.

    Attributes:
        folder: the name of the folder.
        n_tokens: the tokens in the files, including those of removed documents.
        n_documents: the documents in the files, including removed ones.
        sections: the files that describe the text.
        first_document: the number of the first document, removed or not.
        removals: the removed documents; None if there are none.
    """

    folder: str
    n_tokens: int
    n_documents: int
    sections: dict[str, SectionEntry]
    first_document: int = 0
    removals: Removals | None = None

    @property
    def files(self) -> dict[str, SectionEntry]:
        """All files of the shard, by name."""
        return {**self.sections, **(self.removals.sections if self.removals else {})}

    @property
    def n_live_tokens(self) -> int:
        """The number of tokens without those of removed documents."""
        return self.n_tokens - (self.removals.n_tokens if self.removals else 0)

    @property
    def n_live_documents(self) -> int:
        """The number of documents without removed ones."""
        return self.n_documents - (self.removals.n_documents if self.removals else 0)

    @property
    def size_bytes(self) -> int:
        """The size of all files of the shard."""
        return sum(section.size_bytes for section in self.files.values())

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
    """The description of an index. It contains no time, host or path, so that equal builds give equal manifests.

    Attributes:
        generation: the number of changes since the build.
        next_document: the number that the next added document gets; before version 4, the number of documents.
    """

    builder_version: str
    vocab_size: int
    token_width_bits: int
    tokenizer: TokenizerEntry | None
    shards: tuple[ShardEntry, ...]
    skipped: tuple[SkippedEntry, ...] = ()
    suffix_order: str = SUFFIX_ORDER
    format_version: int = FORMAT_VERSION
    format: str = field(default=FORMAT)
    generation: int = 0
    next_document: int = 0

    def __post_init__(self) -> None:
        """Number the documents of an index that was not changed consecutively."""
        if self.format_version < CHANGED_FORMAT_VERSION:
            *firsts, end = accumulate((shard.n_documents for shard in self.shards), initial=0)
            numbered = (replace(shard, first_document=first) for shard, first in zip(self.shards, firsts, strict=True))
            object.__setattr__(self, "shards", tuple(numbered))
            object.__setattr__(self, "next_document", end)

    @property
    def n_tokens(self) -> int:
        """The number of tokens of all shards, without those of removed documents."""
        return sum(shard.n_live_tokens for shard in self.shards)

    @property
    def n_documents(self) -> int:
        """The number of documents of all shards, without removed ones."""
        return sum(shard.n_live_documents for shard in self.shards)

    @cached_property
    def fingerprint(self) -> str:
        """The SHA-256 of the sizes and checksums of all files: equal for equal shards."""
        return hashlib.sha256(json.dumps(self._fields()["shards"]).encode()).hexdigest()

    def write(self, folder: Path) -> None:
        """Write the manifest atomically and flush it to the disk.

        Raises:
            StorageError: the file cannot be written.
        """
        content = {**self._fields(), "n_tokens": self.n_tokens, "n_documents": self.n_documents}
        write_signed(folder / FILE_NAME, content)

    def _fields(self) -> dict[str, Any]:
        """Return the fields of the format version, as JSON values."""
        fields = asdict(self)
        if self.format_version < CHANGED_FORMAT_VERSION:
            del fields["generation"], fields["next_document"]
            for shard in fields["shards"]:
                for name in _ADDED:
                    del shard[name]
        return fields

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


def is_index(folder: Path) -> bool:
    """Return whether a folder has the manifest of an index, of any version."""
    try:
        _load(folder)
    except (IndexNotFoundError, IndexDamagedError, StorageError):
        return False
    return True


def _load(folder: Path) -> dict[str, Any]:
    path = folder / FILE_NAME
    try:
        content = read_json(path)
    except (FileNotFoundError, NotADirectoryError) as error:
        if not folder.exists():
            raise IndexNotFoundError(
                f"{folder} does not exist; expected an index folder, created by `infgram build`"
            ) from error
        if not folder.is_dir():
            raise IndexNotFoundError(
                f"{folder} is a file; expected an index folder, created by `infgram build`"
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
    if type(version) is not int or not OLDEST_READABLE_FORMAT_VERSION <= version <= CHANGED_FORMAT_VERSION:
        known = f"{OLDEST_READABLE_FORMAT_VERSION} to {CHANGED_FORMAT_VERSION}"
        raise _other_version(path, "format_version", version, known)
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
    is_changed = content["format_version"] >= CHANGED_FORMAT_VERSION
    manifest = (_CHANGED_MANIFEST if is_changed else _MANIFEST)(content, "")
    if manifest.vocab_size >= 1 << manifest.token_width_bits:
        raise SchemaError(
            f"vocab_size is {manifest.vocab_size}, too large for tokens of {manifest.token_width_bits} bits"
        )
    folders = Counter(shard.folder for shard in manifest.shards)
    folder, n_times = folders.most_common(1)[0]
    if n_times > 1:
        raise SchemaError(f"the folder {folder!r} is in {n_times} shards; expected a folder for each")
    for number, shard in enumerate(manifest.shards):
        _check_sections(manifest, shard, f"shards[{number}]")
        _check_removals(manifest, shard, f"shards[{number}]")
    _check_document_numbers(manifest)
    for name, total in totals.items():
        found = getattr(manifest, name)
        if total != found:
            raise SchemaError(f"{name} is {total}; expected the sum over the shards, {found}")
    return manifest


def _check_sections(manifest: Manifest, shard: ShardEntry, place: str) -> None:
    """Check the names of the sections, and the sizes that follow from the counts; raise SchemaError."""
    version = manifest.format_version
    names = section_names(version)
    if version >= CHANGED_FORMAT_VERSION:  # a shard keeps the files of the version that wrote it
        found = shard.sections.keys() - {DOCUMENT_NUMBERS}
        names = next((known for known in map(section_names, range(1, version)) if known == found), names)
        names |= shard.sections.keys() & {DOCUMENT_NUMBERS}
    if shard.sections.keys() != names:
        raise SchemaError(
            f"{place}.sections has {sorted(shard.sections)!r:.400}; expected the files of format version "
            f"{version}: {', '.join(sorted(names))}"
        )
    counts = (shard.n_tokens, shard.n_documents, manifest.vocab_size, manifest.token_width_bits)
    for name, n_bytes in payload_bytes(*counts).items():
        expected = FRAME_BYTES + n_bytes
        if name in names and shard.sections[name].size_bytes != expected:
            raise SchemaError(
                f"{place}.sections.{name}.size_bytes is {shard.sections[name].size_bytes}; expected {expected} for "
                "these counts"
            )


def _check_removals(manifest: Manifest, shard: ShardEntry, place: str) -> None:
    """Check that the removed documents are some of those of the shard; raise SchemaError."""
    removals = shard.removals
    if removals is None:
        return
    for name, most in (
        ("generation", manifest.generation),
        ("n_documents", shard.n_documents),
        ("n_tokens", shard.n_tokens),
    ):
        if getattr(removals, name) > most:
            raise SchemaError(f"{place}.removals.{name} is {getattr(removals, name)}; expected at most {most}")
    names = removal_names(removals.generation)
    if removals.sections.keys() != set(names):
        raise SchemaError(
            f"{place}.removals.sections has {sorted(removals.sections)!r:.400}; expected {' and '.join(names)}"
        )


def _check_document_numbers(manifest: Manifest) -> None:
    """Check that the documents of each shard come after those of the shard before it; raise SchemaError."""
    ends = [shard.first_document + shard.n_documents for shard in manifest.shards]
    firsts = [shard.first_document for shard in manifest.shards]
    for number, (end, first) in enumerate(zip(ends, firsts[1:], strict=False), start=1):
        if first < end:
            raise SchemaError(f"shards[{number}].first_document is {first}; expected at least {end}")
    if manifest.next_document < ends[-1]:
        raise SchemaError(f"next_document is {manifest.next_document}; expected at least {ends[-1]}")


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


def removal_names(generation: int) -> tuple[str, str]:
    """Return the names of the files with the removed documents of a shard, and with the ranks of their suffixes."""
    return f"removed_documents.{generation}.bin", f"removed_ranks.{generation}.bin"


_TOKENIZER_KINDS: Final = ("bytes", "huggingface")

MOST_GENERATIONS: Final = 2**53
"""The largest generation of an index."""

_COUNT: Final = integer(0)
_SECTION: Final = record(SectionEntry, size_bytes=integer(FRAME_BYTES), xxh64=hexadecimal(16))
TOKENIZER: Final = record(TokenizerEntry, kind=text(), fingerprint=hexadecimal(64))
SKIPPED: Final = record(SkippedEntry, source=text(), line=optional(integer(0)), reason=text())
_REMOVALS: Final = record(
    Removals, generation=integer(1), n_documents=integer(1), n_tokens=_COUNT, sections=mapping(_SECTION)
)
_WRITTEN: Final[dict[str, Check[Any]]] = {
    "folder": text(r"(?!\.\.?$)[\w.-]{1,100}", "the name of a folder, of up to 100 ASCII letters, digits, -, _ and ."),
    "n_tokens": _COUNT,
    "n_documents": integer(1),
    "sections": mapping(_SECTION, {*section_names(FORMAT_VERSION), DOCUMENT_NUMBERS}),
}
_BUILT_SHARD: Final = record(ShardEntry, **_WRITTEN)
SHARD: Final = record(ShardEntry, **_WRITTEN, first_document=_COUNT, removals=optional(_REMOVALS))
"""The checks of entries, which records of unfinished builds contain, too."""

_BUILT: Final[dict[str, Check[Any]]] = {
    "builder_version": text(),
    "vocab_size": integer(1, 2**32 - 1),
    "token_width_bits": one_of(8, 16, 32),
    "tokenizer": optional(TOKENIZER),
    "skipped": items(SKIPPED),
    "suffix_order": one_of(SUFFIX_ORDER),
    "format_version": integer(OLDEST_READABLE_FORMAT_VERSION, CHANGED_FORMAT_VERSION),
    "format": one_of(FORMAT),
}
_MANIFEST: Final = record(Manifest, shards=items(_BUILT_SHARD, least=1), **_BUILT)
_CHANGED_MANIFEST: Final = record(
    Manifest, shards=items(SHARD, least=1), generation=integer(1, MOST_GENERATIONS), next_document=integer(1), **_BUILT
)
