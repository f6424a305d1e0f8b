"""A manifest is checked in every field: it opens a sound index, or an error of ours names the fault."""

from __future__ import annotations

import copy
import json
import os
import random
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

import infgram
from infgram.errors import IndexDamagedError, IndexNotFoundError, IndexVersionError, InfgramError, StorageError
from infgram.files import signed_json
from infgram.files.manifest import FILE_NAME, Manifest
from infgram.files.signed_json import write_signed
from tests.damage.faults import change_json

GOLDEN: Final = Path(__file__).parents[1] / "golden"
SEED: Final = int(os.environ.get("SEED", "1"))
N_CASES: Final = 2500

Content = dict[str, Any]


def content_of(folder: Path) -> Content:
    content: Content = json.loads((folder / FILE_NAME).read_text())
    del content["sha256"]
    return content


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(GOLDEN / "v3", tmp_path / "index"))


@pytest.fixture
def changed(tmp_path: Path) -> Path:
    """An index of version 4: three shards, one with removed documents and one with gaps in its numbers."""
    return Path(shutil.copytree(GOLDEN / "v4", tmp_path / "changed"))


@pytest.mark.parametrize("version", ["v1", "v2", "v3", "v4"])
def test_a_sound_manifest_is_read_as_it_was_written(version: str, tmp_path: Path) -> None:
    manifest = Manifest.read(GOLDEN / version)
    manifest.write(tmp_path)
    assert (tmp_path / FILE_NAME).read_bytes() == (GOLDEN / version / FILE_NAME).read_bytes()
    assert Manifest.read(tmp_path) == manifest


FAULTS: dict[str, tuple[Callable[[Content], Any], str]] = {
    "no shards": (lambda content: content.update(shards=[]), r"shards is \[\]; expected a list of at least 1"),
    "a field is missing": (lambda content: content.pop("skipped"), "lacks the field 'skipped'"),
    "a field is unknown": (lambda content: content.update(x=1), "unknown field 'x'"),
    "a total is missing": (lambda content: content.pop("n_tokens"), "n_tokens is None"),
    "a boolean for a number": (lambda content: content.update(vocab_size=True), "vocab_size is True"),
    "a vocabulary beyond the width": (lambda content: content.update(vocab_size=256), "too large for tokens of 8 bits"),
    "another vocabulary": (lambda content: content.update(vocab_size=200), "first_token_starts.bin.size_bytes is"),
    "an unknown width": (lambda content: content.update(token_width_bits=24), "expected 8 or 16 or 32"),
    "another width": (lambda content: content.update(token_width_bits=16), "tokens.bin.size_bytes is"),
    "a wrong sum": (
        lambda content: content.update(n_tokens=80),
        "n_tokens is 80; expected the sum over the shards, 79",
    ),
    "a wrong sum of documents": (lambda content: content.update(n_documents=5), "n_documents is 5; expected the sum"),
    "a huge number": (lambda content: content["shards"][0].update(n_tokens=10**300), r"shards\[0\].n_tokens is 1000"),
    "a folder above": (lambda content: content["shards"][0].update(folder="../v2/shard-00000"), "the name of a folder"),
    "the folder above": (lambda content: content["shards"][0].update(folder=".."), "the name of a folder"),
    "an absolute folder": (lambda content: content["shards"][0].update(folder="/etc"), "the name of a folder"),
    "a folder with a zero byte": (lambda content: content["shards"][0].update(folder="a\0"), "the name of a folder"),
    "a folder twice": (lambda content: content["shards"][1].update(folder="shard-00000"), "is in 2 shards"),
    "a section is missing": (
        lambda content: content["shards"][0]["sections"].pop("sources.bin"),
        "of format version 3",
    ),
    "a section of another name": (
        lambda content: content["shards"][0]["sections"].update(
            {"../x": content["shards"][0]["sections"]["tokens.bin"]}
        ),
        r"unknown field '\.\./x'",
    ),
    "a size below the header": (
        lambda content: content["shards"][0]["sections"]["metadata.bin"].update(size_bytes=127),
        "metadata.bin.size_bytes is 127; expected an integer from 128",
    ),
    "a checksum in capitals": (
        lambda content: content["shards"][0]["sections"]["tokens.bin"].update(xxh64="A" * 16),
        "tokens.bin.xxh64 is 'AAAA",
    ),
    "a fingerprint": (lambda content: content["tokenizer"].update(fingerprint="ab"), "64 lowercase hexadecimal digits"),
    "a skipped entry": (
        lambda content: content.update(skipped=[{"source": 1, "line": 1, "reason": ""}]),
        "source is 1",
    ),
    "not a list": (lambda content: content.update(shards={"0": {}}), "expected a list"),
    "an older version": (lambda content: content.update(format_version=2), "of format version 2"),
}


def check_refused(folder: Path, change: Callable[[Content], Any], message: str) -> None:
    """Check that an index with a changed manifest, with the right checksum, is refused."""
    content = content_of(folder)
    change(content)
    write_signed(folder / FILE_NAME, content)
    with pytest.raises(IndexDamagedError, match=message):
        infgram.open(folder)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_wrong_field_is_named(fault: str, folder: Path) -> None:
    check_refused(folder, *FAULTS[fault])


CHANGED_FAULTS: dict[str, tuple[Callable[[Content], Any], str]] = {
    "no generation": (lambda content: content.pop("generation"), "lacks the field 'generation'"),
    "generation 0": (lambda content: content.update(generation=0), "generation is 0; expected an integer from 1"),
    "no first document": (
        lambda content: content["shards"][0].pop("first_document"),
        "lacks the field 'first_document'",
    ),
    "no removals": (lambda content: content["shards"][0].pop("removals"), "lacks the field 'removals'"),
    "numbers that overlap": (
        lambda content: content["shards"][1].update(first_document=content["shards"][0]["n_documents"] - 1),
        r"shards\[1\].first_document is \d; expected at least",
    ),
    "a next document that exists": (lambda content: content.update(next_document=1), "next_document is 1; expected at"),
    "a total with removed documents": (
        lambda content: content.update(n_documents=sum(shard["n_documents"] for shard in content["shards"])),
        "n_documents is .*; expected the sum over the shards",
    ),
    "removals of a later generation": (
        lambda content: removals_of(content).update(generation=99),
        r"removals.generation is 99; expected at most \d",
    ),
    "removals of another generation": (
        lambda content: removals_of(content).update(generation=1),
        r"removals.sections has .*removed_documents.\d.bin.*; expected removed_documents.1.bin and",
    ),
    "more removed than there are": (
        lambda content: removals_of(content).update(n_documents=99),
        r"removals.n_documents is 99; expected at most \d",
    ),
    "more removed tokens than there are": (
        lambda content: removals_of(content).update(n_tokens=9999),
        r"removals.n_tokens is 9999; expected at most",
    ),
    "no removed document": (lambda content: removals_of(content).update(n_documents=0), "n_documents is 0; expected"),
    "a file of removals is missing": (
        lambda content: removals_of(content)["sections"].popitem(),
        r"removals.sections has \[.*\]; expected removed_documents",
    ),
    "a section is missing": (
        lambda content: content["shards"][0]["sections"].pop("sources.bin"),
        "of format version 4",
    ),
    "fields of version 4 in version 3": (
        lambda content: content.update(format_version=3),
        "lacks|has the unknown field",
    ),
}


def removals_of(content: Content) -> Content:
    """Return the entry of the removed documents of a shard."""
    removals: Content = next(shard["removals"] for shard in content["shards"] if shard["removals"] is not None)
    return removals


@pytest.mark.parametrize("fault", CHANGED_FAULTS)
def test_a_wrong_field_of_a_changed_index_is_named(fault: str, changed: Path) -> None:
    check_refused(changed, *CHANGED_FAULTS[fault])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda content: content.update(format_version=5, shards="of another shape"),
            "format version is 5.*reads 1 to 4",
        ),
        (lambda content: content.update(format_version=True), "format version is True"),
        (lambda content: content.update(suffix_order="reversed"), "suffix order is 'reversed'"),
        (lambda content: content["tokenizer"].update(kind="future"), "kind is 'future', this infgram reads bytes or"),
    ],
)
def test_another_version_is_told_before_damage(change: Callable[[Content], Any], message: str, folder: Path) -> None:
    content = content_of(folder)
    change(content)
    write_signed(folder / FILE_NAME, content)
    with pytest.raises(IndexVersionError, match=message):
        infgram.open(folder)


def test_a_newer_version_may_have_another_digest(folder: Path) -> None:
    (folder / FILE_NAME).write_text('{"format": "infgram-index", "format_version": 9}')
    with pytest.raises(IndexVersionError, match="format version is 9"):
        infgram.open(folder)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "not valid JSON"),
        (b"\xff", "not valid JSON"),
        (b"[]", "not a manifest of infgram"),
        (b'{"format": "infgram-index", "format": "infgram-index"}', "a key is repeated"),
        (b'{"format": NaN}', "NaN is not a JSON value"),
        (b'{"format": ' + b"9" * 10_000 + b"}", "not valid JSON"),
        (b'{"x":' * 40 + b"1" + b"}" * 40, "nested deeper than 32 levels"),
        (b"[" * 1_000_000, "nested too deeply"),
        (b"[" * 900 + b"]" * 900, "nested"),
    ],
)
def test_strict_json(text: bytes, message: str, folder: Path) -> None:
    (folder / FILE_NAME).write_bytes(text)
    with pytest.raises(IndexDamagedError, match=message):
        infgram.open(folder)


def pipe(path: Path) -> None:
    os.mkfifo(path)


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize("make", [pipe, device, Path.mkdir])
@pytest.mark.parametrize("name", [FILE_NAME, "shard-00001/tokens.bin", "shard-00000/metadata.bin"])
def test_only_regular_files_are_read(name: str, make: Callable[[Path], None], folder: Path) -> None:
    (folder / name).unlink()
    make(folder / name)
    errors: list[BaseException] = []

    def open_it() -> None:
        try:
            infgram.open(folder)
        except InfgramError as error:
            errors.append(error)

    thread = threading.Thread(target=open_it, daemon=True)
    thread.start()
    thread.join(60)
    assert not thread.is_alive(), "opening waits for a file that is not regular"
    (error,) = errors
    assert isinstance(error, IndexDamagedError)
    assert name in str(error)
    assert "not a regular file" in str(error)


def test_the_size_is_bounded_in_both_directions(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a build writes can be read; a file that grows without end is not read into memory."""
    manifest = Manifest.read(folder)
    monkeypatch.setattr(signed_json, "MOST_BYTES", 1000)
    with pytest.raises(IndexDamagedError, match="larger than 1,000 bytes"):
        Manifest.read(folder)
    with pytest.raises(StorageError, match="expected at most 1,000"):
        manifest.write(folder)


def test_200000_shards_fit() -> None:
    """As the docstring of `MOST_BYTES` says: scaled from 1,000 shards of a trillion tokens each."""
    entry = {**content_of(GOLDEN / "v3")["shards"][0], "folder": "shard-100000", "n_tokens": 10**12}
    sections = {name: {**section, "size_bytes": 10**12} for name, section in entry["sections"].items()}
    n_bytes = len(signed_json.signed({"shards": [{**entry, "sections": sections}] * 1000}))
    assert 200 * n_bytes < signed_json.MOST_BYTES


def test_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(IndexNotFoundError, match="does not exist"):
        infgram.open(tmp_path / "nothing")
    with pytest.raises(IndexNotFoundError, match=r"has no manifest\.json"):
        infgram.open(tmp_path)
    (tmp_path / "a.jsonl").write_text('{"text": "a"}')
    for ask in (infgram.open, lambda path: infgram.add(path, path)):
        with pytest.raises(IndexNotFoundError, match=r"a\.jsonl is a file; expected an index folder"):
            ask(tmp_path / "a.jsonl")


@pytest.mark.parametrize("version", ["v3", "v4"])
def test_random_changes_open_a_sound_index_or_raise_an_error_of_ours(
    version: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    record_property("tried", N_CASES)
    rng = random.Random(SEED)
    folder = Path(shutil.copytree(GOLDEN / version, tmp_path / "index"))
    with infgram.open(folder) as index:
        n_tokens, count = index.n_tokens, index.count("the cat")
    original = content_of(folder)
    n_opened = 0
    for number in range(N_CASES):
        content = copy.deepcopy(original)
        for _ in range(rng.choice((1, 1, 1, 2, 4))):
            change_json(content, rng)
        (folder / FILE_NAME).write_text(signed_json.signed(content))
        try:
            with infgram.open(folder) as index:
                n_opened += 1
                index.verify()
                assert index.n_tokens == n_tokens
                assert index.count("the cat") == count
        except InfgramError:
            pass
        except Exception as error:
            raise AssertionError(f"SEED={SEED}, case {number}: {content}") from error
    assert 0 < n_opened < N_CASES / 2
