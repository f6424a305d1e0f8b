"""Faults in the files of an index, and the repair of all checksums after a fault."""

from __future__ import annotations

import copy
import hashlib
import json
import random
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import xxhash

from infgram.files.signed_json import write_signed

HEADER_BYTES: Final = 64
PADDING: Final = b"\xff" * 64
HEADER: Final = struct.Struct("<8s4I5Q")
"""Magic, version, kind, element bits, reserved; elements, payload bytes, checksums of shard, payload and header."""

Fault = Callable[[bytes, random.Random], bytes]


def flip(data: bytes, rng: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 8))):
        if changed:
            changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def truncate(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.choice((0, 1, len(data) // 2, len(data) - 1, rng.randrange(len(data) + 1)))]


def extend(data: bytes, rng: random.Random) -> bytes:
    return data + rng.choice((b"\0", b"\xff" * 8, data[:16], rng.randbytes(rng.choice((1, 3, 64, 1000)))))


def zero(data: bytes, rng: random.Random) -> bytes:
    begin, end = _span(data, rng)
    return data[:begin] + rng.choice((b"\0", b"\xff")) * (end - begin) + data[end:]


def scramble(data: bytes, rng: random.Random) -> bytes:
    begin, end = _span(data, rng)
    return data[:begin] + rng.randbytes(end - begin) + data[end:]


def splice(data: bytes, rng: random.Random) -> bytes:
    """Copy a part of the data over, or into, another place."""
    begin, end = _span(data, rng)
    place = rng.randrange(len(data) + 1)
    replaced = rng.choice((0, end - begin))
    return data[:place] + data[begin:end] + data[place + replaced :]


VALUES: Final[tuple[Any, ...]] = (
    *(None, True, False, 0, 1, -1, 2, 3, 7, 127, 128, 255, 256, 2**31, 2**32, 2**63, 2**64, 10**100, 0.5, 1e308),
    *("", "x", "..", ".", "/", "a/b", "shard-00000", "shard-00001", "\0", "\ud800", "é" * 300, "0" * 16, "f" * 64),
    *([], {}, [None], [[]], {"a": 1}, [[[[[[[[]]]]]]]]),
)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every container of a JSON value, with each of its keys."""
    if isinstance(value, dict):
        return [(value, key) for key in value] + [place for inner in value.values() for place in places(inner)]
    if isinstance(value, list):
        numbered = [(value, number) for number in range(len(value))]
        return numbered + [place for inner in value for place in places(inner)]
    return []


def change_json(content: Any, rng: random.Random) -> None:
    """Change one value of a JSON object in place: its type, its range, its name, or its presence."""
    all_places = places(content)
    if not all_places:
        return
    container, key = rng.choice(all_places)
    match rng.randrange(6):
        case 0:
            container[key] = copy.deepcopy(rng.choice(VALUES))
        case 1:
            del container[key]
        case 2:
            other, other_key = rng.choice(all_places)
            container[key] = copy.deepcopy(other[other_key])
        case 3 if isinstance(container[key], int):
            container[key] += rng.choice((-1, 1, 8, 64, 2**40))
        case 4 if isinstance(container, dict):
            container[rng.choice(["x", "folder", "sections", "tokens.bin", "metadata.bin", ""])] = container[key]
        case 5 if isinstance(container, list):
            container.append(copy.deepcopy(container[key]))
        case _:
            container[key] = [container[key]]


def rewrite(data: bytes, rng: random.Random) -> bytes:
    """Change some values of a JSON file; any other file is unchanged."""
    try:
        content = json.loads(data)
    except ValueError:
        return data
    for _ in range(rng.choice((1, 1, 2, 4))):
        change_json(content, rng)
    return json.dumps(content).encode()


FAULTS: Final[dict[str, Fault]] = {
    fault.__name__: fault for fault in (flip, truncate, extend, zero, scramble, splice, rewrite)
}
"""The faults of one file; `swap` and `header` of `damage` concern a second file, and the header."""


def damage(folder: Path, file: str, fault: str, rng: random.Random, *, sealed: bool) -> None:
    """Damage a file of an index in place.

    Args:
        folder: the index.
        file: the name of the file, relative to the folder.
        fault: one of `FAULTS`; `"swap"`, for the content of another file; `"header"`, for another field in it.
        rng: the source of all choices.
        sealed: whether all checksums are repaired afterwards, as by an author of altered files.
    """
    path = folder / file
    content = path.read_bytes()
    is_section = path.suffix == ".bin"
    header, payload = (content[:HEADER_BYTES], content[HEADER_BYTES:-64]) if is_section else (b"", content)
    if fault == "swap":
        files = sorted(other for other in folder.rglob("*") if other.is_file())
        others = [other for other in files if other.suffix == path.suffix]
        same = [other for other in files if other.stem == path.stem and other != path]  # infini-gram numbers suffixes
        content = rng.choice(same or others).read_bytes()
    elif fault == "header":
        fields = list(HEADER.unpack(header)) if is_section else []
        if fields:
            number = rng.choice((1, 2, 3, 5, 6))
            fields[number] = rng.choice(
                (0, 1, 2, 3, 7, 8, 57, 58, 64, 2**31, fields[number] + 1, max(0, fields[number] - 1))
            )
            content = HEADER.pack(*fields) + payload + PADDING
    elif sealed and is_section:
        content = header + FAULTS[fault](payload, rng) + PADDING
    else:
        content = FAULTS[fault](content, rng)
    path.write_bytes(content)
    if sealed:
        seal(folder, keeps_header=fault == "header")


def forge_section(file: Path, alter: Callable[[bytearray], None]) -> None:
    """Alter the payload of a section in place, and repair the checksums of its index, as an attacker would."""
    content = file.read_bytes()
    payload = bytearray(content[HEADER_BYTES:-64])
    alter(payload)
    file.write_bytes(content[:HEADER_BYTES] + payload + PADDING)
    seal(file.parents[1])


def seal(folder: Path, *, keeps_header: bool = False) -> None:
    """Repair the checksums, sizes and counts of all files, as far as they can be read."""
    try:
        manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_bytes())
        for shard in manifest["shards"]:
            _seal_shard(folder / shard["folder"], shard, manifest, keeps_header=keeps_header)
        if manifest["tokenizer"] and manifest["tokenizer"]["kind"] == "huggingface":
            definition = (folder / "tokenizer" / "tokenizer.json").read_bytes()
            manifest["tokenizer"]["fingerprint"] = hashlib.sha256(definition).hexdigest()
        for total in ("n_tokens", "n_documents"):
            manifest[total] = sum(shard[total] for shard in manifest["shards"])
        manifest.pop("sha256", None)
        write_signed(folder / "manifest.json", manifest)
    except (ValueError, TypeError, KeyError, AttributeError, OSError, RecursionError, struct.error):
        return  # the manifest itself is the damaged file


def _seal_shard(folder: Path, entry: dict[str, Any], manifest: dict[str, Any], *, keeps_header: bool) -> None:
    contents = {name: (folder / name).read_bytes() for name in entry["sections"]}
    tied_to = xxhash.xxh64(contents["tokens.bin"][HEADER_BYTES:-64]).intdigest()
    n_elements: dict[str, int] = {}
    for name, content in contents.items():
        payload = content[HEADER_BYTES:-64]
        magic, version, kind, bits, reserved, n, n_bytes, *_ = HEADER.unpack(content[:HEADER_BYTES])
        if not keeps_header:
            n_bytes = len(payload)
            n = n if -(-n * bits // 8) == n_bytes else 8 * n_bytes // max(1, bits)
        checksum = xxhash.xxh64(payload).intdigest()
        packed = HEADER.pack(magic, version, kind, bits, reserved, n, n_bytes, tied_to, checksum, 0)
        packed = packed[:56] + struct.pack("<Q", xxhash.xxh64(packed[:56]).intdigest())
        (folder / name).write_bytes(packed + payload + PADDING)
        n_elements[name] = n
        entry["sections"][name] = {"size_bytes": HEADER_BYTES + len(payload) + 64, "xxh64": f"{checksum:016x}"}
    entry["n_tokens"] = n_elements["suffix_array.bin"]
    entry["n_documents"] = n_elements["document_starts.bin"] - 1
    manifest["vocab_size"] = max(1, n_elements["first_token_starts.bin"] - 1)


def _span(data: bytes, rng: random.Random) -> tuple[int, int]:
    begin = rng.randrange(len(data) + 1)
    return begin, min(len(data), begin + rng.choice((1, 2, 8, 64, len(data))))
