"""docs/index-format.md suffices to read an index, and its example is what the library writes."""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import infgram
from tests.docs.blocks import blocks_of
from tests.docs.format_reader import (
    FormatError,
    Shard,
    digest,
    header_table,
    read_index,
    read_section,
    section_kinds,
    state_kinds,
)
from tests.reference import ReferenceIndex

PAGE = "docs/index-format.md"
GOLDEN = Path(__file__).parents[1] / "golden"

CORPUS: list[dict[str, Any]] = [
    {"text": "abab", "n": 1},
    {"text": "b"},
    {"text": "", "empty": True},
    {"text": "to be or not to be", "path": {"of": ["Denmark", None]}, "größe": "groß \u2028 \U0001f600"},
    {"text": "naïve ∞-grams: to be or not to be"},
    {"text": ""},
    {"text": "to be"},
]


def write_corpus(folder: Path, rows: list[dict[str, Any]]) -> Path:
    path = folder / "corpus.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return path


def suffix_array_of(shard: Shard, vocab_size: int) -> list[int]:
    """Return the suffix array of these documents according to the reference."""
    places = ReferenceIndex(shard.documents, vocab_size).suffix_array()
    return [shard.document_starts[place.document_id] + place.offset for place in places]


@pytest.mark.parametrize("tokenizer", ["bytes", "bpe:300"])
@pytest.mark.parametrize("shard_tokens", [5_000_000_000, 10])
def test_the_reader_reads_the_input(tmp_path: Path, tokenizer: str, shard_tokens: int) -> None:
    corpus, folder = write_corpus(tmp_path, CORPUS), tmp_path / "corpus.infgram"
    with infgram.build(corpus, folder, tokenizer=tokenizer, shard_tokens=shard_tokens) as index:
        manifest, shards = read_index(folder)
        documents = [document for shard in shards for document in shard.documents]
        metadata = [fields for shard in shards for fields in shard.metadata]
        assert [index.tokenizer.decode(document) for document in documents] == [row["text"] for row in CORPUS]
        assert documents == [index.document(number).token_ids.tolist() for number in range(len(CORPUS))]
        assert metadata == [{name: value for name, value in row.items() if name != "text"} for row in CORPUS]
        sources = [source for shard in shards for source in shard.sources]
        assert sources == [("corpus.jsonl", number) for number in range(1, len(CORPUS) + 1)]
        assert (manifest["n_tokens"], manifest["n_documents"]) == (index.n_tokens, index.n_documents)
        assert (manifest["vocab_size"], manifest["token_width_bits"]) == (index.vocab_size, index.token_width_bits)
        assert len(shards) == index.n_shards
        assert (len(shards) > 1) == (shard_tokens == 10)
        for shard in shards:
            assert shard.suffix_array == suffix_array_of(shard, index.vocab_size)


@pytest.mark.parametrize(("vocab_size", "width"), [(3, 8), (255, 8), (256, 16), (65_535, 16), (65_536, 32), (3, 32)])
def test_the_reader_reads_every_width(tmp_path: Path, vocab_size: int, width: int) -> None:
    numbers = random.Random(width * vocab_size)
    letters = [0, 1, vocab_size - 1]
    documents = [numbers.choices(letters, k=numbers.randrange(40)) for _ in range(9)]
    folder = tmp_path / "x.infgram"
    infgram.build_from_tokens(documents, folder, vocab_size=vocab_size, token_width_bits=width).close()
    manifest, (shard,) = read_index(folder)
    assert manifest["tokenizer"] is None
    assert not (folder / "tokenizer").exists()
    assert shard.documents == documents
    assert shard.metadata == [{}] * len(documents)
    assert shard.suffix_array == suffix_array_of(shard, vocab_size)
    ranks = ReferenceIndex(documents, vocab_size)
    for letter in letters:
        lo, hi = shard.first_token_starts[letter], shard.first_token_starts[letter + 1]
        assert hi - lo == ranks.count([letter])


def test_one_empty_document(tmp_path: Path) -> None:
    infgram.build_from_tokens([[]], tmp_path / "x.infgram", vocab_size=2).close()
    manifest, (shard,) = read_index(tmp_path / "x.infgram")
    assert (manifest["n_tokens"], shard.documents, shard.suffix_array) == (0, [[]], [])


def test_the_manifest_lists_skipped_input(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus.jsonl"
    corpus.write_bytes(b'{"text": "good"}\n{"text": "\xff"}\n')
    infgram.build(corpus, tmp_path / "x.infgram", tokenizer="bytes", on_error="skip").close()
    (skipped,) = read_index(tmp_path / "x.infgram")[0]["skipped"]
    assert set(skipped) == {"source", "line", "reason"}
    assert (skipped["source"], skipped["line"]) == ("corpus.jsonl", 2)


def test_equal_input_gives_equal_bytes(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path, CORPUS)
    for name, threads in (("one", 1), ("two", 2)):
        infgram.build(corpus, tmp_path / name, tokenizer="bpe:300", threads=threads, shard_tokens=20).close()
    assert contents_of(tmp_path / "one") == contents_of(tmp_path / "two")


def contents_of(folder: Path) -> dict[Path, bytes]:
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_fingerprints_match_the_document(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path, CORPUS)
    infgram.build(corpus, tmp_path / "bytes", tokenizer="bytes").close()
    infgram.build(corpus, tmp_path / "bpe", tokenizer="bpe:300").close()
    definitions = {
        "bytes": b'{"type":"bytes","vocab_size":255}',
        "bpe": (tmp_path / "bpe" / "tokenizer" / "tokenizer.json").read_bytes(),
    }
    for name, definition in definitions.items():
        entry = read_index(tmp_path / name)[0]["tokenizer"]
        assert entry["fingerprint"] == hashlib.sha256(definition).hexdigest()
    assert list((tmp_path / "bytes" / "tokenizer").iterdir()) == []


@pytest.mark.parametrize("name", sorted(section_kinds()))
def test_the_reader_detects_a_changed_byte(tmp_path: Path, name: str) -> None:
    infgram.build(write_corpus(tmp_path, CORPUS), tmp_path / "x", tokenizer="bytes").close()
    path = tmp_path / "x" / "shard-00000" / name
    whole = path.read_bytes()
    for offset in (0, 20, 63, 64, len(whole) - 1):
        path.write_bytes(whole[:offset] + bytes([whole[offset] ^ 1]) + whole[offset + 1 :])
        with pytest.raises(FormatError):
            read_section(path)


def test_the_header_table_has_no_gap() -> None:
    ends = [0]
    for offset, size, _ in header_table():
        assert offset == ends[-1]
        ends.append(offset + size)
    assert ends[-1] == 64
    assert sorted([*section_kinds().values(), *state_kinds().values()]) == list(range(1, 15))


@pytest.mark.parametrize(("vocab_size", "width"), [(255, 8), (1000, 16), (1000, 32)])
def test_the_reader_reads_the_directory(tmp_path: Path, vocab_size: int, width: int) -> None:
    """The keys follow the document, and each stored context has the rows of its suffixes."""
    ids = [*range(vocab_size)] if vocab_size > 600 else [*range(254)]
    documents = [[5, 5], *([5, token] for token in ids), [1, 2] * 20_000, [3], []]
    folder = tmp_path / "x.infgram"
    infgram.build_from_tokens(documents, folder, vocab_size=vocab_size, token_width_bits=width).close()
    _, (shard,) = read_index(folder)
    keyed = shard.suffix_array[::4096] + shard.suffix_array[::64]
    assert shard.directory == [key_at(shard, position + 1, width) for position in keyed]
    assert [(context.depth, len(context.rows)) for context in shard.stored_contexts] == (
        [(1, 1001)] if vocab_size > 600 else []
    )
    for lo, hi, depth, rows in shard.stored_contexts:
        following = [shard.text[position + depth] for position in shard.suffix_array[lo:hi]]
        counts = Counter(-1 if token == (1 << width) - 1 else token for token in following)
        assert rows == sorted(counts.items())
        (context,) = {tuple(shard.text[position : position + depth]) for position in shard.suffix_array[lo:hi]}
        assert counts.total() == ReferenceIndex(documents, vocab_size).count(context)


def key_at(shard: Shard, position: int, width: int) -> int:
    """Return the key of a position, as the section `directory.bin` of the document defines it."""
    lanes: list[int] = []
    while len(lanes) < 64 // width:
        token = shard.text[position + len(lanes)]
        if token == (1 << width) - 1:
            lanes += [0] * (64 // width - len(lanes))
        else:
            lanes.append(token + 1)
    return sum(lane << (64 - width * (place + 1)) for place, lane in enumerate(lanes))


# Indexes that were changed


def live_documents(shards: list[Shard]) -> dict[int, list[int]]:
    """Return the tokens of the documents that are not removed, by their numbers in the index."""
    return {shard.numbers[document]: shard.documents[document] for shard in shards for document in shard.live}


@pytest.mark.parametrize(("vocab_size", "width"), [(255, 8), (1000, 16), (1000, 32)])
def test_the_reader_reads_every_state(tmp_path: Path, vocab_size: int, width: int) -> None:
    """After each change, the reader finds the documents that are left, and counts without the others."""
    numbers = random.Random(width)
    letters = [0, 1, vocab_size - 1]

    def drawn(n: int) -> list[list[int]]:
        return [numbers.choices(letters, k=numbers.randrange(12)) for _ in range(n)]

    folder, documents = tmp_path / "x", dict(enumerate(drawn(12)))
    options: dict[str, Any] = {"shard_tokens": 20, "threads": 1}
    infgram.build_from_tokens(
        list(documents.values()), folder, vocab_size=vocab_size, token_width_bits=width, **options
    ).close()
    next_document = 12
    for generation, change in enumerate(
        ["delete", "add", "delete", "compact", "delete", "purge", "add", "delete", "delete everything"], 1
    ):
        if change == "add":
            added = drawn(5)
            infgram.add_from_tokens(folder, added, **options)
            documents |= dict(enumerate(added, next_document))
            next_document += len(added)
        elif change == "compact":
            infgram.compact(folder, **options)
        else:
            gone = list(documents) if change == "delete everything" else numbers.sample(list(documents), 3)
            infgram.delete(folder, documents=gone, purge=change == "purge", threads=1)
            documents = {number: tokens for number, tokens in documents.items() if number not in gone}
        manifest, shards = read_index(folder)
        assert (manifest["format_version"], manifest["generation"]) == (4, generation)
        assert manifest["next_document"] == next_document
        assert live_documents(shards) == documents
        reference = ReferenceIndex(list(documents.values()), vocab_size)
        for pattern in [[a] for a in letters] + [[a, b] for a in letters for b in letters]:
            assert sum(shard.count(pattern) for shard in shards) == reference.count(pattern)


def test_the_reader_reads_the_changed_golden_index() -> None:
    manifest, shards = read_index(GOLDEN / "v4")
    files = {
        name for path in GOLDEN.glob("v4/shard-*/*.bin") for name in [re.sub(r"\.\d+\.bin$", ".<g>.bin", path.name)]
    }
    assert files == {*section_kinds(), *state_kinds()}
    with infgram.open(GOLDEN / "v4") as index:
        expected = {number: index.document(number) for number in index.document_ids()}
        assert live_documents(shards) == {number: each.token_ids.tolist() for number, each in expected.items()}
        for shard in shards:
            for document in shard.live:
                each = expected[shard.numbers[document]]
                assert (each.metadata, (each.source, each.line)) == (shard.metadata[document], shard.sources[document])
    assert (manifest["n_documents"], manifest["n_tokens"]) == (4, 114)


@pytest.mark.parametrize("name", sorted(state_kinds()))
def test_the_reader_detects_a_changed_byte_of_a_state(tmp_path: Path, name: str) -> None:
    path = next(GOLDEN.glob(f"v4/shard-*/{name.replace('<g>', '*')}"))
    whole = path.read_bytes()
    for offset in (0, 20, 63, 64, len(whole) - 1):
        copy = tmp_path / path.name
        copy.write_bytes(whole[:offset] + bytes([whole[offset] ^ 1]) + whole[offset + 1 :])
        with pytest.raises(FormatError):
            read_section(copy)


# The worked example


@pytest.fixture
def example(tmp_path: Path) -> Path:
    (lines,) = (block.content for block in blocks_of(PAGE) if block.language == "jsonl")
    (tmp_path / "x.jsonl").write_text(lines, encoding="utf-8")
    infgram.build(tmp_path / "x.jsonl", tmp_path / "x.infgram", tokenizer="bytes").close()
    return tmp_path / "x.infgram"


def test_the_files_of_the_example(example: Path) -> None:
    shown = {block.argument: block.content for block in blocks_of(PAGE) if block.language == "hexdump"}
    folder = example / "shard-00000"
    assert shown == {path.name: hexdump(path.read_bytes()) for path in folder.iterdir()}


def test_the_manifest_of_the_example(example: Path) -> None:
    (block,) = (block for block in blocks_of(PAGE) if block.language == "json")
    shown = json.loads(block.content)
    assert shown["sha256"] == digest(shown)
    written = read_index(example)[0]
    for manifest in (shown, written):  # the version, and with it the digest, changes with every release
        del manifest["builder_version"], manifest["sha256"]
    assert shown == written


def test_the_suffixes_of_the_example(example: Path) -> None:
    (shard,) = read_index(example)[1]
    assert shard.suffix_array == [2, 0, 3, 5, 1]
    assert shard.document_starts == [0, 5, 7]
    assert [shard.first_token_starts[token] for token in (0, 97, 98, 99, 255)] == [0, 0, 2, 5, 5]


def hexdump(content: bytes) -> str:
    """Format bytes like `hexdump -C`."""
    lines: list[str] = []
    previous = b""
    for offset in range(0, len(content), 16):
        row = content[offset : offset + 16]
        if row == previous:
            lines += [] if lines[-1] == "*" else ["*"]
            continue
        previous = row
        digits = "  ".join(row[half : half + 8].hex(" ") for half in (0, 8))
        letters = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in row)
        lines.append(f"{offset:08x}  {digits:<48}  |{letters}|")
    return "\n".join([*lines, f"{len(content):08x}", ""])
