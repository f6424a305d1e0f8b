"""Altered index files whose checksums fit, as an attacker would write them."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from infgram import _core
from infgram.files.manifest import Manifest, SectionEntry, ShardEntry

HEADER_BYTES = PADDING_BYTES = 64
_SHARD_CHECKSUM, _PAYLOAD_CHECKSUM, _HEADER_CHECKSUM = 40, 48, 56


def forge_section(file: Path, alter: Callable[[bytearray], None]) -> None:
    """Alter the payload of a section in place, then correct the checksums of all sections of its shard."""
    content = file.read_bytes()
    payload = bytearray(content[HEADER_BYTES:-PADDING_BYTES])
    alter(payload)
    file.write_bytes(content[:HEADER_BYTES] + payload + content[-PADDING_BYTES:])
    of_tokens = _payload_checksum(file.with_name("tokens.bin"))
    for section in file.parent.glob("*.bin"):
        altered = bytearray(section.read_bytes())
        struct.pack_into("<Q", altered, _SHARD_CHECKSUM, of_tokens)
        struct.pack_into("<Q", altered, _PAYLOAD_CHECKSUM, _payload_checksum(section))
        struct.pack_into("<Q", altered, _HEADER_CHECKSUM, _core.checksum(bytes(altered[:_HEADER_CHECKSUM])))
        section.write_bytes(altered)


def forge_manifest(index: Path) -> None:
    """Correct the checksums in the manifest of an index."""
    manifest = Manifest.read(index)
    replace(manifest, shards=tuple(_with_checksums(index, shard) for shard in manifest.shards)).write(index)


def _with_checksums(index: Path, shard: ShardEntry) -> ShardEntry:
    folder = index / shard.folder
    sections = {
        name: SectionEntry(entry.size_bytes, f"{_payload_checksum(folder / name):016x}")
        for name, entry in shard.sections.items()
    }
    return replace(shard, sections=sections)


def _payload_checksum(file: Path) -> int:
    return _core.checksum(file.read_bytes()[HEADER_BYTES:-PADDING_BYTES])
