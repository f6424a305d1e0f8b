"""Whether the files of an index belong together, as far as opening can tell cheaply."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from infgram.errors import IndexDamagedError, TokenizerError
from infgram.manifest import Manifest, ShardEntry
from infgram.tokenizers import SavedTokenizer


def check_one_tokenizer(
    paths: Sequence[Path], manifests: Sequence[Manifest], saved: Sequence[SavedTokenizer | None]
) -> None:
    """Raise TokenizerError unless all folders were built with tokenizers that encode alike, in one token width.

    What encodes alike may still differ in special tokens, and so in the size of the vocabulary. The definitions are
    read only where they are not equal. Without a tokenizer the vocabularies must be of one size.
    """
    for path, manifest, tokenizer in zip(paths[1:], manifests[1:], saved[1:], strict=True):
        if manifest.token_width_bits != manifests[0].token_width_bits:
            raise TokenizerError(
                f"{path} stores tokens in {manifest.token_width_bits} bits and {paths[0]} in "
                f"{manifests[0].token_width_bits}, since their vocabularies are of {manifest.vocab_size} and "
                f"{manifests[0].vocab_size} tokens; a union needs one width: build one of them again{_advice(paths[0])}"
            )
        is_same = manifest.tokenizer == manifests[0].tokenizer or _encode_alike(saved[0], tokenizer)
        if not is_same or (tokenizer is None and manifest.vocab_size != manifests[0].vocab_size):
            raise TokenizerError(
                f"{path} and {paths[0]} were built with different tokenizers; a union needs one: build one of them "
                f"again{_advice(paths[0])}"
            )


def _encode_alike(first: SavedTokenizer | None, second: SavedTokenizer | None) -> bool:
    return first is not None and second is not None and first.fingerprint == second.fingerprint


def _advice(path: Path) -> str:
    return f" with --tokenizer {path / 'tokenizer'}"


def check_sizes(folder: Path, shard: ShardEntry) -> None:
    """Raise IndexDamagedError if a section is missing or not as large as the manifest says."""
    for name, section in shard.sections.items():
        file = folder / name
        found = file.stat().st_size if file.exists() else None
        if found != section.size_bytes:
            state = "is missing" if found is None else f"holds {found} bytes"
            raise IndexDamagedError(
                f"{file} {state}, expected {section.size_bytes} bytes; copy the index again or rebuild it"
            )


def check_checksums(folder: Path, shard: ShardEntry, sections: Mapping[str, tuple[int, int]]) -> None:
    """Raise IndexDamagedError if a section, as `name: (size, checksum)`, is not the one of the manifest."""
    for name, (_, checksum) in sections.items():
        if f"{checksum:016x}" != shard.sections[name].xxh64:
            raise IndexDamagedError(
                f"{folder / name} belongs to another index: its checksum is {checksum:016x}, the manifest says "
                f"{shard.sections[name].xxh64}; copy the index again or rebuild it"
            )
