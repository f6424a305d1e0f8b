"""A reader of index folders in plain Python, written from `docs/index-format.md` alone.

The offsets of the header fields and the names of the files are read from the tables of the document.
"""

from __future__ import annotations

import hashlib
import json
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import xxhash

SPECIFICATION = Path(__file__).resolve().parents[2] / "docs" / "index-format.md"

HEADER_BYTES = 64
PADDING = b"\xff" * 64
MAGIC = b"infgram\0"
FORMAT_VERSION = 3
SUFFIX_ORDER = "token-id, document end first, equal suffixes by position"
FIELD_OF_SIZE = {4: "<I", 8: "<Q"}
TOKEN_OF_BITS = {8: "B", 16: "H", 32: "I"}


class FormatError(Exception):
    """A file does not follow the document."""


@dataclass(frozen=True)
class Section:
    """A section file, checked."""

    fields: dict[str, int]
    payload: bytes

    def packed(self) -> list[int]:
        """The elements of a packed array."""
        bits, all_bits = self.fields["element_bits"], int.from_bytes(self.payload, "little")
        return [(all_bits >> (i * bits)) & ((1 << bits) - 1) for i in range(self.fields["n_elements"])]

    def tokens(self) -> list[int]:
        """The elements of `tokens.bin`."""
        return list(struct.unpack(f"<{self.fields['n_elements']}{self._code}", self.payload))

    @property
    def separator(self) -> int:
        return int((1 << self.fields["element_bits"]) - 1)

    @property
    def _code(self) -> str:
        return TOKEN_OF_BITS[self.fields["element_bits"]]


class StoredContext(NamedTuple):
    """A context of `depth` tokens whose suffixes have the ranks [lo, hi), and (row, count) for each of its rows."""

    lo: int
    hi: int
    depth: int
    rows: list[tuple[int, int]]


@dataclass(frozen=True)
class Shard:
    """The contents of the eleven files of a shard."""

    text: list[int]
    metadata: list[dict[str, Any]]
    document_starts: list[int]
    first_token_starts: list[int]
    suffix_array: list[int]
    directory: list[int]
    stored_contexts: list[StoredContext]
    sources: list[tuple[str, int]]

    @property
    def documents(self) -> list[list[int]]:
        """The tokens of each document, without its separator."""
        return [self.text[begin : end - 1] for begin, end in pairwise(self.document_starts)]


def header_table() -> list[tuple[int, int, str]]:
    """Return offset, size and name of each header field, from the document."""
    rows = re.findall(r"^\| (\d+) \| (\d+) \| `(\w+)` \|", _section_files(), re.MULTILINE)
    return [(int(offset), int(size), name) for offset, size, name in rows]


def section_kinds() -> dict[str, int]:
    """Return the kind of each file, from the document."""
    rows = re.findall(r"^\| (\d+) \| `(\w+\.bin)` \|", _section_files(), re.MULTILINE)
    return {name: int(kind) for kind, name in rows}


def _section_files() -> str:
    """Return the part of the document with both tables."""
    text = SPECIFICATION.read_text(encoding="utf-8")
    return text[text.index("\n## Section files\n") : text.index("\n### tokens.bin\n")]


def digest(manifest: dict[str, Any]) -> str:
    """Return the `sha256` of a manifest, from its other fields."""
    others = {name: value for name, value in manifest.items() if name != "sha256"}
    canonical = json.dumps(others, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()


def read_manifest(folder: Path) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_bytes().decode("ascii"))
    _check(manifest["sha256"] == digest(manifest), "the manifest's digest")
    _check(manifest["format"] == "infgram-index", "the manifest's format")
    _check(manifest["format_version"] == FORMAT_VERSION, "the manifest's version")
    _check(manifest["suffix_order"] == SUFFIX_ORDER, "the order of the suffixes")
    return manifest


def read_section(path: Path) -> Section:
    content = path.read_bytes()
    header, payload, padding = content[:HEADER_BYTES], content[HEADER_BYTES:-64], content[-64:]
    fields: dict[str, int] = {}
    for offset, size, name in header_table():
        if name == "magic":
            _check(header[offset : offset + size] == MAGIC, "the magic")
        else:
            (fields[name],) = struct.unpack_from(FIELD_OF_SIZE[size], header, offset)
    _check(fields["header_checksum"] == _checksum(header[:56]), "the header's checksum")
    _check(fields["format_version"] == FORMAT_VERSION, "the version")
    _check(fields["kind"] == section_kinds()[path.name], "the kind")
    _check(fields["reserved"] == 0, "the reserved field")
    _check(fields["payload_bytes"] == len(payload), "the payload's length")
    _check(len(payload) == -(-fields["n_elements"] * fields["element_bits"] // 8), "the number of elements")
    _check(fields["payload_checksum"] == _checksum(payload), "the payload's checksum")
    _check(padding == PADDING, "the padding")
    return Section(fields, payload)


def read_shard(folder: Path, entry: dict[str, Any], vocab_size: int) -> Shard:
    """Read a shard; check that its files agree with each other and with its entry in the manifest."""
    sections = {name: read_section(folder / name) for name in section_kinds()}
    _check_that_they_belong_together(folder, entry, sections)
    shard = Shard(
        text=sections["tokens.bin"].tokens(),
        metadata=_metadata(sections["metadata.bin"].payload, sections["metadata_starts.bin"].packed()),
        document_starts=sections["document_starts.bin"].packed(),
        first_token_starts=sections["first_token_starts.bin"].packed(),
        suffix_array=sections["suffix_array.bin"].packed(),
        directory=sections["directory.bin"].packed(),
        stored_contexts=_stored_contexts(sections["stored_contexts.bin"], sections["continuations.bin"]),
        sources=_sources(sections["source_runs.bin"].packed(), sections["sources.bin"].payload, entry["n_documents"]),
    )
    _check_numbers(shard, entry, vocab_size, sections["tokens.bin"].separator)
    for name, largest in (
        ("suffix_array.bin", len(shard.text) - 1),
        ("document_starts.bin", shard.document_starts[-1]),
        ("first_token_starts.bin", shard.first_token_starts[-1]),
        ("metadata_starts.bin", len(sections["metadata.bin"].payload)),
        (
            "stored_contexts.bin",
            max([*sections["stored_contexts.bin"].packed(), len(sections["continuations.bin"].payload)]),
        ),
        ("source_runs.bin", max(sections["source_runs.bin"].packed())),
    ):
        _check(sections[name].fields["element_bits"] == max(1, largest.bit_length()), f"the width of {name}")
    return shard


def _check_that_they_belong_together(folder: Path, entry: dict[str, Any], sections: dict[str, Section]) -> None:
    _check(set(entry["sections"]) == set(sections), "the list of files in the manifest")
    for name, section in sections.items():
        said, fields = entry["sections"][name], section.fields
        _check(said["size_bytes"] == (folder / name).stat().st_size, f"the size of {name}")
        _check(said["xxh64"] == f"{fields['payload_checksum']:016x}", f"the checksum of {name}")
        tied_to = sections["tokens.bin"].fields["payload_checksum"]
        _check(fields["shard_checksum"] == tied_to, f"the shard checksum of {name}")


def _check_numbers(shard: Shard, entry: dict[str, Any], vocab_size: int, separator: int) -> None:
    n_documents, n_elements = entry["n_documents"], entry["n_tokens"] + entry["n_documents"]
    starts = shard.document_starts
    _check(len(shard.text) == n_elements, "the number of elements in tokens.bin")
    _check(shard.text.count(separator) == n_documents, "the number of separators")
    _check(len(starts) == n_documents + 1, "the number of starts")
    _check((starts[0], starts[-1]) == (0, n_elements), "the first and the last start")
    _check(all(shard.text[start - 1] == separator for start in starts[1:]), "the place of a separator")
    _check(len(shard.metadata) == n_documents, "the number of metadata")
    n_top = -(-entry["n_tokens"] // 4096)
    _check(len(shard.directory) == n_top + -(-entry["n_tokens"] // 64), "the number of keys")
    _check(shard.directory[:n_top] == shard.directory[n_top::64], "the top of the directory")
    _check(len(shard.first_token_starts) == vocab_size + 1, "the number of first tokens")
    _check(shard.first_token_starts[-1] == len(shard.suffix_array) == entry["n_tokens"], "the number of suffixes")


def read_index(folder: Path) -> tuple[dict[str, Any], list[Shard]]:
    """Return the manifest and the shards of an index folder."""
    manifest = read_manifest(folder)
    shards = [read_shard(folder / entry["folder"], entry, manifest["vocab_size"]) for entry in manifest["shards"]]
    return manifest, shards


def _metadata(payload: bytes, starts: list[int]) -> list[dict[str, Any]]:
    pieces = [payload[begin:end] for begin, end in pairwise(starts)]
    return [json.loads(piece.decode("ascii")) if piece else {} for piece in pieces]


def _sources(numbers: list[int], names: bytes, n_documents: int) -> list[tuple[str, int]]:
    """Return the name and the line of each document."""
    _check(len(numbers) > 0 and len(numbers) % 3 == 0, "the number of runs")
    _check(names.endswith(b"\0"), "the end of the last name")
    runs = [(numbers[place], numbers[place + 1], numbers[place + 2]) for place in range(0, len(numbers), 3)]
    bounds = [*(first for first, _, _ in runs), n_documents]
    _check(bounds[0] == 0 and all(a < b for a, b in pairwise(bounds)), "the order of the runs")
    sources: list[tuple[str, int]] = []
    for (first, begin, line), end in zip(runs, bounds[1:], strict=True):
        _check(begin == 0 or names[begin - 1] == 0, "the beginning of a name")
        name = names[begin : names.index(b"\0", begin)].decode("utf-8")
        if sources and sources[-1][0] == name:
            last = sources[-1][1]
            _check(line != (last + 1 if last else 0), "the end of a run")
        sources += [(name, line + document - first if line else 0) for document in range(first, end)]
    return sources


def _stored_contexts(contexts: Section, continuations: Section) -> list[StoredContext]:
    numbers = contexts.packed()
    _check(len(numbers) % 4 == 0, "the number of stored contexts")
    quadruples = [numbers[place : place + 4] for place in range(0, len(numbers), 4)]
    offsets = [*(offset for *_, offset in quadruples), len(continuations.payload)]
    return [
        StoredContext(lo, hi, depth, _rows(continuations.payload[offset:end]))
        for (lo, hi, depth, offset), end in zip(quadruples, offsets[1:], strict=True)
    ]


def _rows(payload: bytes) -> list[tuple[int, int]]:
    rows, code, numbers = [], -1, iter(payload)
    for byte in numbers:
        gap, count = byte >> 3, byte & 7
        gap = gap or 32 + _varint(numbers)
        count = count or 8 + _varint(numbers)
        code += gap
        rows.append((code - 1, count))
    return rows


def _varint(numbers: Iterator[int]) -> int:
    value, shift = 0, 0
    for byte in numbers:
        value |= (byte & 127) << shift
        if byte < 128:
            return value
        shift += 7
    raise FormatError("a row that goes beyond its end")


def _checksum(data: bytes) -> int:
    return xxhash.xxh64(data, seed=0).intdigest()


def _check(holds: bool, what: str) -> None:
    if not holds:
        raise FormatError(f"{what} is not as the document says")
