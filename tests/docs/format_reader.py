"""A reader of index folders in plain Python, written from `docs/index-format.md` alone.

The offsets of the header fields, the fields of the manifest and the names of the files are read from the tables of the
document.
"""

from __future__ import annotations

import hashlib
import json
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any, NamedTuple

import xxhash

SPECIFICATION = Path(__file__).resolve().parents[2] / "docs" / "index-format.md"

HEADER_BYTES = 64
PADDING = b"\xff" * 64
MAGIC = b"infgram\0"
FORMAT_VERSION = 3
CHANGED_VERSION = 4
SUFFIX_ORDER = "token-id, document end first, equal suffixes by position"
NUMBERS = "document_numbers.bin"
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
    """The contents of the files of a shard, and the state that an index gives it.

    `numbers` are those of the documents in the index. Removed documents are in all other attributes; which they are,
    by their numbers in the shard, and the ranks of their suffixes, is in the last two.
    """

    text: list[int]
    metadata: list[dict[str, Any]]
    document_starts: list[int]
    first_token_starts: list[int]
    suffix_array: list[int]
    directory: list[int]
    stored_contexts: list[StoredContext]
    sources: list[tuple[str, int]]
    numbers: list[int]
    removed_documents: list[int]
    removed_ranks: list[int]

    @property
    def documents(self) -> list[list[int]]:
        """The tokens of each document, without its separator."""
        return [self.text[begin : end - 1] for begin, end in pairwise(self.document_starts)]

    @property
    def live(self) -> list[int]:
        """The documents that are not removed, by their numbers in the shard."""
        return [document for document in range(len(self.numbers)) if document not in self.removed_documents]

    def count(self, pattern: list[int]) -> int:
        """Return the size of the range of suffixes that begin with a pattern, minus the removed ranks in it."""
        ranks = [
            rank
            for rank, position in enumerate(self.suffix_array)
            if self.text[position : position + len(pattern)] == pattern
        ]
        _check(ranks == list(range(ranks[0], ranks[-1] + 1)) if ranks else True, "a range of suffixes")
        return len(ranks) - len({*ranks} & {*self.removed_ranks})


def header_table() -> list[tuple[int, int, str]]:
    """Return offset, size and name of each header field, from the document."""
    rows = re.findall(r"^\| (\d+) \| (\d+) \| `(\w+)` \|", _section_files(), re.MULTILINE)
    return [(int(offset), int(size), name) for offset, size, name in rows]


def section_kinds() -> dict[str, int]:
    """Return the kind of each file that every shard has, from the document."""
    return _kinds(_section_files())


def state_kinds() -> dict[str, int]:
    """Return the kind of each file that belongs to a state; `<g>` in its name is a generation."""
    return _kinds(_part("### Document numbers and removals", "## What a reader checks"))


def manifest_fields() -> tuple[set[str], set[str]]:
    """Return the fields of a manifest, and those of one of version 4, from the document."""
    usual = _fields(_part("## manifest.json", "### An index that was changed"))
    return usual, usual | _fields(_part("### An index that was changed", "## tokenizer/"))


def _kinds(part: str) -> dict[str, int]:
    return {name: int(kind) for kind, name in re.findall(r"^\| (\d+) \| `([\w.<>]+\.bin)` \|", part, re.MULTILINE)}


def _fields(part: str) -> set[str]:
    return {*re.findall(r"^\| `([^`]+)` \|", part, re.MULTILINE)}


def _section_files() -> str:
    """Return the part of the document with the tables of the header and of the eleven files."""
    return _part("## Section files", "### tokens.bin")


def _part(begin: str, end: str) -> str:
    text = SPECIFICATION.read_text(encoding="utf-8")
    return text[text.index(f"\n{begin}\n") : text.index(f"\n{end}\n")]


def digest(manifest: dict[str, Any]) -> str:
    """Return the `sha256` of a manifest, from its other fields."""
    others = {name: value for name, value in manifest.items() if name != "sha256"}
    canonical = json.dumps(others, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()


def read_manifest(folder: Path) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_bytes().decode("ascii"))
    _check(manifest["sha256"] == digest(manifest), "the manifest's digest")
    _check(manifest["format"] == "infgram-index", "the manifest's format")
    _check(manifest["format_version"] in (FORMAT_VERSION, CHANGED_VERSION), "the manifest's version")
    _check(manifest["suffix_order"] == SUFFIX_ORDER, "the order of the suffixes")
    _check_fields(manifest)
    removals = [shard["removals"] for shard in manifest["shards"] if shard.get("removals")]
    for total in ("n_tokens", "n_documents"):
        n_stored, n_removed = (sum(each[total] for each in parts) for parts in (manifest["shards"], removals))
        _check(manifest[total] == n_stored - n_removed, f"the number {total}")
    if manifest["format_version"] == CHANGED_VERSION:
        _check_state(manifest)
    return manifest


def _check_fields(manifest: dict[str, Any]) -> None:
    documented = manifest_fields()[manifest["format_version"] == CHANGED_VERSION]
    for prefix, objects in (
        ("", [manifest]),
        ("shards[].", manifest["shards"]),
        ("shards[].removals.", [shard["removals"] for shard in manifest["shards"] if shard.get("removals")]),
    ):
        inside = {name.removeprefix(prefix) for name in documented if name.startswith(prefix)}
        names = {name for name in inside if not re.search(r"[.{\[]", name)}
        for each in objects:
            _check({*each} == names, f"the fields {prefix}")


def _check_state(manifest: dict[str, Any]) -> None:
    generation, shards = manifest["generation"], manifest["shards"]
    _check(generation >= 1, "the generation")
    ends = [0]
    for shard in shards:
        _check(shard["first_document"] >= ends[-1], "the first document of a shard")
        ends.append(shard["first_document"] + shard["n_documents"])
        removals = shard["removals"]
        if removals is not None:
            _check(1 <= removals["generation"] <= generation, "the generation of removals")
            _check(1 <= removals["n_documents"] <= shard["n_documents"], "the number of removed documents")
    _check(manifest["next_document"] >= ends[-1], "the next document")


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
    _check(fields["kind"] == _kind_of(path.name), "the kind")
    _check(fields["reserved"] == 0, "the reserved field")
    _check(fields["payload_bytes"] == len(payload), "the payload's length")
    _check(len(payload) == -(-fields["n_elements"] * fields["element_bits"] // 8), "the number of elements")
    _check(fields["payload_checksum"] == _checksum(payload), "the payload's checksum")
    _check(padding == PADDING, "the padding")
    return Section(fields, payload)


def _kind_of(name: str) -> int:
    return {**section_kinds(), **state_kinds()}[re.sub(r"\.\d+\.bin$", ".<g>.bin", name)]


def read_shard(folder: Path, entry: dict[str, Any], vocab_size: int, first_document: int) -> Shard:
    """Read a shard; check that its files agree with each other and with its entry in the manifest.

    `first_document` is the number of its first document in an index that does not say so.
    """
    removals = entry.get("removals")
    gone = [f"removed_{what}.{removals['generation']}.bin" for what in ("documents", "ranks")] if removals else []
    entries = {**entry["sections"], **(removals["sections"] if removals else {})}
    _check({*entries} - {NUMBERS} == {*section_kinds(), *gone}, "the list of files in the manifest")
    sections = {name: read_section(folder / name) for name in entries}
    _check_that_they_belong_together(folder, entries, sections)
    removed_documents, removed_ranks = [sections[name].packed() for name in gone] or ([], [])
    first_document = entry.get("first_document", first_document)
    consecutive = list(range(first_document, first_document + entry["n_documents"]))
    shard = Shard(
        text=sections["tokens.bin"].tokens(),
        metadata=_metadata(sections["metadata.bin"].payload, sections["metadata_starts.bin"].packed()),
        document_starts=sections["document_starts.bin"].packed(),
        first_token_starts=sections["first_token_starts.bin"].packed(),
        suffix_array=sections["suffix_array.bin"].packed(),
        directory=sections["directory.bin"].packed(),
        stored_contexts=_stored_contexts(sections["stored_contexts.bin"], sections["continuations.bin"]),
        sources=_sources(sections["source_runs.bin"].packed(), sections["sources.bin"].payload, entry["n_documents"]),
        numbers=sections[NUMBERS].packed() if NUMBERS in sections else consecutive,
        removed_documents=removed_documents,
        removed_ranks=removed_ranks,
    )
    _check_numbers(shard, entry, vocab_size, sections["tokens.bin"].separator)
    _check_state_of(shard, entry, first_document)
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
        *([(NUMBERS, shard.numbers[-1])] if NUMBERS in sections else []),
        *zip(gone, (entry["n_documents"] - 1, len(shard.text) - 1), strict=False),
    ):
        _check(sections[name].fields["element_bits"] == max(1, largest.bit_length()), f"the width of {name}")
    return shard


def _check_that_they_belong_together(folder: Path, entries: dict[str, Any], sections: dict[str, Section]) -> None:
    for name, section in sections.items():
        said, fields = entries[name], section.fields
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


def _check_state_of(shard: Shard, entry: dict[str, Any], first_document: int) -> None:
    removals = entry.get("removals") or {"n_documents": 0, "n_tokens": 0}
    _check(len(shard.numbers) == entry["n_documents"], "the number of document numbers")
    _check(shard.numbers[0] == first_document, "the first document number")
    for values in (shard.numbers, shard.removed_documents, shard.removed_ranks):
        _check(all(a < b for a, b in pairwise(values)), "the order of numbers, of removed documents and their ranks")
    _check(len(shard.removed_documents) == removals["n_documents"], "the number of removed documents")
    _check(len(shard.removed_ranks) == removals["n_tokens"], "the number of removed ranks")
    starts = shard.document_starts
    positions = [p for document in shard.removed_documents for p in range(starts[document], starts[document + 1] - 1)]
    _check(sorted(shard.suffix_array[rank] for rank in shard.removed_ranks) == positions, "the removed ranks")


def read_index(folder: Path) -> tuple[dict[str, Any], list[Shard]]:
    """Return the manifest and the shards of an index folder."""
    manifest = read_manifest(folder)
    firsts = accumulate((entry["n_documents"] for entry in manifest["shards"]), initial=0)
    shards = [
        read_shard(folder / entry["folder"], entry, manifest["vocab_size"], first)
        for entry, first in zip(manifest["shards"], firsts, strict=False)
    ]
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
