"""Inputs: several paths, patterns and standard input, and the sources of their documents."""

from __future__ import annotations

import io
import json
import os
import tempfile
from pathlib import Path

import pytest

from infgram.corpus import Corpus
from infgram.errors import InputError, StorageError

NAMES = ["a.txt", "b.jsonl", "c/d.txt", "c/e/f.txt", "c/e/g.jsonl", "h/i.txt", "[x].txt"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Files whose text is their name, in the current folder."""
    for name in [*NAMES, ".hidden/j.txt", "c/.k.txt"]:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"text": name}) if name.endswith(".jsonl") else name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def texts(*inputs: str | Path) -> list[str]:
    return [document.text for document in Corpus(inputs).documents()]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*.txt", ["[x].txt", "a.txt"]),
        ("?.txt", ["a.txt"]),
        ("[ab].*", ["a.txt", "b.jsonl"]),
        ("[!a].*", ["b.jsonl"]),
        ("*/*.txt", ["c/d.txt", "h/i.txt"]),
        ("c/**/*.txt", ["c/d.txt", "c/e/f.txt"]),
        ("**/*.jsonl", ["b.jsonl", "c/e/g.jsonl"]),
        ("**/e/**", ["c/e/f.txt", "c/e/g.jsonl"]),
        ("**/**/f.txt", ["c/e/f.txt"]),
        ("c/**", ["c/d.txt", "c/e/f.txt", "c/e/g.jsonl"]),
        ("./c/*", ["c/d.txt"]),
        ("[x].txt", ["[x].txt"]),  # an existing file is not a pattern
    ],
)
def test_patterns(folder: Path, pattern: str, expected: list[str]) -> None:
    assert texts(pattern) == expected
    assert texts(folder / pattern) == expected
    assert [*Path().glob(pattern)] or pattern == "[x].txt"


def test_a_pattern_enters_only_folders_that_may_match(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "locked").mkdir()
    (folder / "c" / "locked").mkdir()
    refuse_to_list(monkeypatch, "locked")
    assert texts("*.txt", "c/e/*.txt", "[ch]/*.txt") == ["[x].txt", "a.txt", "c/e/f.txt", "c/d.txt", "h/i.txt"]
    with pytest.raises(InputError, match=r"locked.*cannot be listed"):
        texts("*/*.txt")


def refuse_to_list(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    scandir = os.scandir

    def refuse(path: str | os.PathLike[str]) -> os._ScandirIterator[str]:
        if Path(path).name == name:
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)


@pytest.mark.parametrize("pattern", ["*.csv", "nowhere/*.txt", "**/z*", "a.txt/*"])
def test_a_pattern_that_matches_nothing(folder: Path, pattern: str) -> None:
    with pytest.raises(InputError, match="no file matches this pattern"):
        Corpus(pattern)


def test_several_inputs_are_read_in_the_order_given(folder: Path) -> None:
    assert texts("h", "c/e", "a.txt") == ["h/i.txt", "c/e/f.txt", "c/e/g.jsonl", "a.txt"]


def sources(*inputs: str | Path) -> list[str]:
    return [file.source for file in Corpus(inputs).files]


def test_sources_are_relative_to_the_deepest_common_folder(folder: Path) -> None:
    assert sources("c") == ["d.txt", "e/f.txt", "e/g.jsonl"]
    assert sources("c/e/f.txt") == ["f.txt"]
    assert sources("c/e/*.txt") == ["f.txt"]
    assert sources("c/e/f.txt", folder / "c/e/g.jsonl") == ["f.txt", "g.jsonl"]
    assert sources("c/e", "c/d.txt") == ["e/f.txt", "e/g.jsonl", "d.txt"]
    assert sources("h", folder / "c/e") == ["h/i.txt", "c/e/f.txt", "c/e/g.jsonl"]
    (document,) = Corpus(["h/i.txt"]).documents()
    assert document.metadata == {"path": "i.txt"}


@pytest.mark.parametrize("inputs", [("a.txt", "./a.txt"), ("c", "c/e"), ("*.txt", "a.*"), ("h", "h")])
def test_a_file_named_twice_fails(folder: Path, inputs: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match="named by two inputs"):
        Corpus(inputs)


def test_invalid_inputs(folder: Path) -> None:
    with pytest.raises(InputError, match="no input given"):
        Corpus([])
    with pytest.raises(InputError, match="path of the corpus is empty"):
        Corpus(["a.txt", ""])
    with pytest.raises(InputError, match=r"missing\.txt: no such file"):
        Corpus(["a.txt", "missing.txt"])


def test_bytes_are_counted_over_all_inputs(folder: Path) -> None:
    corpus = Corpus(["h", "a.txt"])
    assert corpus.n_bytes == len("h/i.txt") + len("a.txt")
    list(corpus.documents())
    assert corpus.bytes_read == corpus.n_bytes


def stdin(data: bytes) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(data))


def test_standard_input_is_json_lines_that_can_be_read_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    spool = tmp_path_factory.mktemp("spool")
    monkeypatch.setattr(tempfile, "tempdir", str(spool))
    monkeypatch.setattr("sys.stdin", stdin(b'{"text": "one", "id": 1}\n{"text": "two"}\n'))
    corpus = Corpus(["-", "a.txt"])
    assert len([*spool.iterdir()]) == 1
    first = list(corpus.documents())
    assert [(document.text, document.source, document.line) for document in first] == [
        ("one", "-", 1),
        ("two", "-", 2),
        ("a.txt", "a.txt", None),
    ]
    assert first == list(corpus.documents())
    assert list(corpus.sample_texts(10_000)) == ["one", "two", "a.txt"]
    assert corpus.n_bytes == corpus.bytes_read == 41 + 5
    del corpus
    assert [*spool.iterdir()] == []


def test_unreadable_standard_input(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("sys.stdin", stdin(b'{"text": 1}\n'))
    with pytest.raises(InputError, match="standard input, line 1: field 'text' is a number"):
        list(Corpus("-").documents())
    with pytest.raises(InputError, match="named twice"):
        Corpus(["-", "-"])
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    with pytest.raises(StorageError, match="TMPDIR"):
        Corpus("-")
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(InputError, match="standard input is closed"):
        Corpus("-")
