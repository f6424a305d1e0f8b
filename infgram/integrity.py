"""Whether the files of an index belong together, as far as opening can tell cheaply."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from infgram.errors import IndexDamagedError, TokenizerError
from infgram.manifest import Manifest, ShardEntry


def check_one_tokenizer(paths: Sequence[Path], manifests: Sequence[Manifest]) -> None:
    """Raise TokenizerError unless all folders were built with one tokenizer, vocabulary and token width."""
    first = manifests[0]
    for path, manifest in zip(paths, manifests, strict=True):
        if (manifest.tokenizer, manifest.vocab_size, manifest.token_width_bits) != (
            first.tokenizer,
            first.vocab_size,
            first.token_width_bits,
        ):
            raise TokenizerError(
                f"{path} and {paths[0]} were built with different tokenizers; a union needs one: build one of them "
                f"again with --tokenizer {paths[0] / 'tokenizer'}"
            )


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
