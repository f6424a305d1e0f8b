"""An open index depends neither on the working directory nor on later changes to its path."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import infgram
from infgram.cluster.serving.shard_group import ShardGroup
from infgram.files.manifest import Manifest
from infgram.lm import InfgramLM
from infgram.types import Load

OLD = ["the cat sat on the mat", "the cats sat there", "naïve für"]
NEW = ["another text altogether"]


def build(folder: Path, texts: list[str], tokenizer: str = "bpe:300") -> None:
    corpus = folder / "corpus.jsonl"
    corpus.write_text("".join(json.dumps({"text": text, "n": place}) + "\n" for place, text in enumerate(texts)))
    infgram.build(corpus, folder / "x.infgram", tokenizer=tokenizer, shard_tokens=10, overwrite=True).close()


def build_anew(folder: Path) -> None:
    """Replace the index by another one with another tokenizer."""
    build(folder, NEW)


def remove(folder: Path) -> None:
    shutil.rmtree(folder / "x.infgram")


def leave(folder: Path) -> None:
    """Change the working directory, so that the relative path names another index."""
    (folder / "elsewhere").mkdir()
    build(folder / "elsewhere", NEW)
    os.chdir(folder / "elsewhere")


def leave_for_nothing(folder: Path) -> None:
    os.chdir("/")


@pytest.fixture
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)  # restored afterwards
    build(tmp_path, OLD)
    return tmp_path


def check(index: infgram.Index) -> None:
    """Check everything that is read for the first time after the change."""
    assert index.count("the") > 0
    assert index.count("FÜR", ignore_case=True) == 1
    assert [index.document(number).text for number in range(len(OLD))] == OLD
    assert index.document_metadata(1) == {"n": 1}
    assert [hit.text for hit in index.search("the cats").documents] == [OLD[1]]
    assert index.session("the").longest_suffix.count > 0
    assert infgram.trace(index, "the cat sat", max_spans=1).spans[0].text == "the cat sat"
    assert list(infgram.dedup(index, min_tokens=100)) == []
    assert InfgramLM(index).distribution("the").sum() == pytest.approx(1)
    assert index.info()["tokenizer"]["fingerprint"] == index.tokenizer.fingerprint
    done: list[tuple[int, int]] = []
    index.verify(progress=lambda *place: done.append(place))
    assert all(total == index.n_tokens >= n_done for n_done, total in done)
    assert index.skipped == ()


@pytest.mark.parametrize("load", ["map", "warm", "ram"])
@pytest.mark.parametrize("happens", [build_anew, remove, leave, leave_for_nothing])
def test_changes_to_the_path_have_no_effect(at_home: Path, happens: Callable[[Path], None], load: Load) -> None:
    with infgram.open("x.infgram", load=load) as index:
        happens(at_home)
        check(index)
        assert index.paths == (at_home / "x.infgram",)
        assert str(at_home / "x.infgram") in repr(index)


def test_a_union_of_relative_paths(at_home: Path) -> None:
    shutil.copytree("x.infgram", "y.infgram")
    with infgram.open(["x.infgram", Path("y.infgram")]) as index:
        leave(at_home)
        assert index.document(3).text == OLD[0]
        assert index.count("the cat sat on") == 2
        index.verify()


@pytest.mark.parametrize("happens", [build_anew, remove, leave])
def test_a_path_that_names_something_else_is_no_change_of_the_files(
    at_home: Path, happens: Callable[[Path], None]
) -> None:
    with infgram.open("x.infgram") as index:
        index.check_files()
        happens(at_home)
        index.check_files()


def test_a_manifest_that_is_replaced_again_and_again_is_no_change_of_the_files(at_home: Path) -> None:
    """File systems give the inode of a removed file to the next one."""
    manifest = at_home / "x.infgram" / "manifest.json"
    content = manifest.read_bytes()
    with infgram.open("x.infgram") as index, infgram.open("x.infgram", load="ram") as in_memory:
        for n_spaces in range(1, 5):
            new = at_home / "new.json"
            new.write_bytes(content + b" " * n_spaces)
            new.rename(manifest)
            index.check_files()
            in_memory.check_files()


@pytest.mark.parametrize(
    "name", ["manifest.json", "shard-00001/tokens.bin", "shard-00000/suffix_array.bin", "shard-00000/metadata.bin"]
)
@pytest.mark.parametrize("n_bytes", [-1, 0, 1])
def test_a_file_that_is_changed_in_place_is_named(at_home: Path, name: str, n_bytes: int) -> None:
    """Shorter, as long, longer; with `load="ram"` a section is not mapped, so its file may change."""
    file = at_home / "x.infgram" / name
    with infgram.open("x.infgram") as index, infgram.open("x.infgram", load="ram") as in_memory:
        content = file.read_bytes()
        file.write_bytes(content[:n_bytes] if n_bytes < 0 else content + bytes(n_bytes))
        how = "overwritten" if n_bytes == 0 else f"changed from {len(content)} to {len(content) + n_bytes} bytes"
        with pytest.raises(infgram.IndexDamagedError, match=f"{name} was {how} while the index is open; .*load ram"):
            index.check_files()
        if n_bytes:
            with pytest.raises(infgram.IndexDamagedError, match=f"{name} was {how}"):
                index.verify()
        if name != "manifest.json":
            in_memory.check_files()
            in_memory.verify()


def test_a_group_verifies_its_open_files(at_home: Path) -> None:
    folder = Path("x.infgram")
    manifest = Manifest.read(folder)
    group = ShardGroup([(folder / shard.folder, shard) for shard in manifest.shards], "map")
    remove(at_home)
    group.verify()


def test_verify_detects_changes_in_the_open_files(at_home: Path) -> None:
    """Alter bytes in place, like a failing disk: in the header, payload, padding and tokenizer."""
    shard = at_home / "x.infgram" / "shard-00001"
    places = [*((shard / "tokens.bin", place) for place in (9, 64, -1)), (shard / "directory.bin", 70)]
    for path, place in [*places, (at_home / "x.infgram" / "tokenizer" / "tokenizer.json", 30)]:
        with infgram.open("x.infgram") as index:
            os.chdir("/")
            before = path.read_bytes()
            flip(path, place)
            with pytest.raises(infgram.IndexDamagedError, match=path.name.removesuffix(".json")):
                index.verify()
            with path.open("r+b") as file:
                file.write(before)
            index.verify()
            os.chdir(at_home)


def flip(path: Path, place: int) -> None:
    with path.open("r+b") as file:
        file.seek(place, 0 if place >= 0 else 2)
        byte = file.read(1)[0]
        file.seek(place, 0 if place >= 0 else 2)
        file.write(bytes([byte ^ 1]))


def test_opening_reports_a_missing_tokenizer(at_home: Path) -> None:
    (at_home / "x.infgram" / "tokenizer" / "tokenizer.json").unlink()
    with pytest.raises(infgram.IndexDamagedError, match=r"tokenizer\.json: the saved tokenizer cannot be read"):
        infgram.open("x.infgram")


def test_opening_reads_no_tokenizer(at_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("the tokenizer was made")

    monkeypatch.setattr("infgram.tokenizers.saved.HuggingFaceTokenizer.__init__", refuse)
    with infgram.open("x.infgram") as index:
        assert index.count([1]) >= 0
