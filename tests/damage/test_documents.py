"""Damaged documents: metadata and sources that cannot be read, tokens outside the vocabulary, another tokenizer."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import pytest

import infgram
from infgram.errors import IndexDamagedError, InfgramError
from infgram.files.manifest import FILE_NAME
from infgram.files.signed_json import write_signed
from tests.cli.running import is_one_error_line, run
from tests.damage.faults import seal

METADATA: Final = b'{"aaaa":"0123456789"}'
"""The metadata of every document; a test replaces it by other bytes of the same length."""


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three documents in two shards, with metadata and sources."""
    folder = tmp_path_factory.mktemp("documents")
    rows = [{"text": text, **json.loads(METADATA)} for text in ("one rose", "two roses", "three")]
    (folder / "corpus.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    infgram.build(folder / "corpus.jsonl", folder / "x", tokenizer="bytes", shard_tokens=10).close()
    infgram.build(folder / "corpus.jsonl", folder / "bpe", tokenizer="bpe:270").close()
    return folder


def altered(sound: Path, target: Path, file: str, old: bytes, new: bytes) -> Path:
    """Return a copy whose file has other bytes and right checksums."""
    assert len(old) == len(new)
    copy = Path(shutil.copytree(sound, target / "x"))
    content = (copy / file).read_bytes()
    assert old in content
    (copy / file).write_bytes(content.replace(old, new, 1))
    seal(copy)
    return copy


def questions(index: infgram.Index) -> list[Callable[[], Any]]:
    """All ways to the metadata of document 0."""
    return [
        lambda: index.document(0),
        lambda: index.document_metadata(0),
        lambda: index.provenance(0),
        lambda: index.search("rose"),
        lambda: index.search("o", where={"aaaa": "x"}, limit=0),
        lambda: index.count_by("o", "aaaa"),
        lambda: infgram.trace(index, "one rose"),
        lambda: list(infgram.overlap(index, ["one rose"], n=2)),
        index.verify,
    ]


@pytest.mark.parametrize(
    "metadata",
    [
        b'{"aaaa":"0123456789"',
        b"[1, 2, 3, 4, 5, 6, 7]",
        b'{"a":1,"a":2,"bbbbb":3}'[:21],
        b'{"a":1,"a":2,"b":3   }'[1:],
        b'{"a":1,"a":2,"bbb":3}',
        b'{"aaaa":NaN,"b":null}',
        b'{"aaaa":"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"}',
        b'{"aaaa":"\\ud83d6789"}',
        b'"aaaaaaaaaaaaaaaaaaa"',
        b"\0" * 21,
    ],
)
def test_metadata(metadata: bytes, sound: Path, tmp_path: Path) -> None:
    copy = altered(sound / "x", tmp_path, "shard-00000/metadata.bin", METADATA, metadata.ljust(len(METADATA)))
    with infgram.open(copy) as index:
        for ask in questions(index):
            with pytest.raises(IndexDamagedError, match=r"metadata\.bin: the metadata of document 0 is not"):
                ask()
        assert index.document_metadata(2) == json.loads(METADATA)
    outcome = run("document", copy, 0)
    assert outcome.code == 4
    assert is_one_error_line(outcome.stderr)
    outcome = run("verify", copy)
    assert outcome.code == 4
    assert str(copy / "shard-00000" / "metadata.bin") in outcome.stderr


def test_deep_metadata(sound: Path, tmp_path: Path) -> None:
    """What a reader of a corpus accepts can be read; what is deeper is refused before it exhausts the stack."""
    for depth, is_sound in ((200, True), (300, False), (100_000, False)):
        folder = tmp_path / str(depth)
        folder.mkdir()
        nested = "[" * (depth - 1) + "]" * (depth - 1)
        (folder / "corpus.jsonl").write_text(f'{{"text": "a", "deep": "{"." * (len(nested) - 2)}"}}\n')
        infgram.build(folder / "corpus.jsonl", folder / "x", tokenizer="bytes").close()
        (file,) = (folder / "x").rglob("metadata.bin")
        file.write_bytes(file.read_bytes().replace(f'"{"." * (len(nested) - 2)}"'.encode(), nested.encode()))
        seal(folder / "x")
        with infgram.open(folder / "x") as index:
            if is_sound:
                index.verify()
                assert index.document(0).metadata == {"deep": json.loads(nested)}
            else:
                with pytest.raises(IndexDamagedError, match="nested"):
                    index.document(0)


def test_a_source_that_is_not_utf8(sound: Path, tmp_path: Path) -> None:
    copy = altered(sound / "x", tmp_path, "shard-00001/sources.bin", b"corpus.jsonl", b"corp\xff\xfe.jsonl"[:12])
    with infgram.open(copy) as index:
        assert index.document(0).source == "corpus.jsonl"
        with pytest.raises(IndexDamagedError, match=r"sources\.bin: the source of document 2 is not UTF-8"):
            index.document(2)
        with pytest.raises(IndexDamagedError, match=r"shard-00001/sources\.bin: the source of document 2"):
            index.verify()


def test_tokens_outside_the_vocabulary(sound: Path, tmp_path: Path) -> None:
    """Here the separator inside a document."""
    copy = altered(sound / "x", tmp_path, "shard-00001/tokens.bin", b"three", b"th\xffee")
    with infgram.open(copy) as index:
        for ask in (lambda: index.document(2), lambda: index.document_tokens(2), index.verify):
            with pytest.raises(IndexDamagedError, match=r"tokens\.bin|suffix_array\.bin"):
                ask()
    outcome = run("document", copy, 2)
    assert outcome.code == 4
    assert "token 255, which is not in the vocabulary" in outcome.stderr


def test_a_suffix_array_that_finds_other_documents(sound: Path, tmp_path: Path) -> None:
    """A search in characters shows a match of the query, or says that the index is damaged."""
    copy = altered(sound / "x", tmp_path, "shard-00000/tokens.bin", b"rose", b"nose")
    with infgram.open(copy) as index:
        for ask in (
            lambda: index.search("rose"),
            lambda: index.search_text("rose"),
            lambda: infgram.trace(index, "rose"),
        ):
            with suppress(IndexDamagedError):
                ask()


def test_a_tokenizer_of_another_size(sound: Path, tmp_path: Path) -> None:
    """Its digest is right, as after a careless repair; the vocabulary of the manifest and the files is another."""
    copy = Path(shutil.copytree(sound / "bpe", tmp_path / "x"))
    path = copy / "tokenizer" / "tokenizer.json"
    definition = json.loads(path.read_bytes())
    first = next(entry for entry, number in definition["model"]["vocab"].items() if number == 0)
    definition["model"]["vocab"][first] = 5_000_000
    path.write_text(json.dumps(definition))
    seal(copy)
    with infgram.open(copy) as index:
        for ask in (lambda: index.count("rose"), lambda: index.document(0), index.verify):
            with pytest.raises(IndexDamagedError, match="tokenizer has a vocabulary of 5000001 tokens, expected 260"):
                ask()


@pytest.mark.parametrize("change", [{"vocab_size": 254}, {"vocab_size": 253}])
def test_a_vocabulary_that_rounds_to_the_same_size(change: dict[str, int], tmp_path: Path) -> None:
    """Few bits per token id, so that the size of the file does not tell."""
    infgram.build_from_tokens([[1], [2]], tmp_path / "x", vocab_size=255).close()
    content = json.loads((tmp_path / "x" / FILE_NAME).read_text())
    del content["sha256"]
    write_signed(tmp_path / "x" / FILE_NAME, {**content, **change})
    with pytest.raises(InfgramError, match="expected"):
        infgram.open(tmp_path / "x")
