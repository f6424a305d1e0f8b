"""Text files: one document each, with the exact text, in a fixed order."""

from __future__ import annotations

import codecs
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from infgram.corpus import Corpus, Skipped, SourceDocument
from infgram.errors import InputError, QueryError


def texts(path: Path) -> list[str]:
    return [document.text for document in Corpus(path).documents()]


@pytest.mark.parametrize(
    "text",
    ["", "a", "a\r\nb\rc\n", "with a \ufeff mark", "é e\u0301 \u00a0 \U0001f600", "\u2028\x85\x0b", " \n\n "],
)
def test_text_is_read_exactly(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.txt").write_bytes(text.encode())
    assert texts(tmp_path) == [text]
    assert texts(tmp_path / "a.txt") == [text]


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text())
def test_any_text_is_read_exactly(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.md").write_bytes(text.encode())
    corpus = Corpus(tmp_path, format="text")
    assert [document.text for document in corpus.documents()] == [text.removeprefix("\ufeff")]


def test_a_byte_order_mark_is_not_part_of_the_text(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(codecs.BOM_UTF8 + b"a\n")
    (tmp_path / "b.txt").write_bytes(codecs.BOM_UTF8)
    assert texts(tmp_path) == ["a\n", ""]


@pytest.mark.parametrize("encoding", ["UTF-16LE", "UTF-16BE", "UTF-32LE", "UTF-32BE"])
@pytest.mark.parametrize("name", ["a.txt", "a", "a.jsonl", "a.json", "a.csv"])
def test_another_encoding_is_named(tmp_path: Path, name: str, encoding: str) -> None:
    (tmp_path / name).write_bytes("\ufefftext\nsome words".encode(encoding))
    with pytest.raises(InputError, match=f"{encoding} text; convert it to UTF-8 first, as with iconv -f {encoding}"):
        texts(tmp_path)


@pytest.mark.parametrize("encoding", ["UTF-16LE", "UTF-16BE"])
def test_utf16_without_a_mark_is_named(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a.txt").write_bytes("some words".encode(encoding))
    with pytest.raises(InputError, match=f"{encoding} text"):
        texts(tmp_path)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"%PDF-1.7\nplain", "a PDF document"),
        (b"PK\x03\x04....", "a ZIP archive"),
        (b"\x89PNG\r\n\x1a\n", "a PNG image"),
        (b"\xff\xd8\xff\xe0", "a JPEG image"),
        (b"\x7fELF\x02", r"a program \(ELF\)"),
        (b"SQLite format 3\x00", "an SQLite database"),
        (b"Obj\x01\x04", "an Avro file"),
        (b"ORC\x00", "an ORC file"),
        (b"\x93NUMPY\x01\x00", "a NumPy array"),
        (b"a.txt".ljust(257, b"\0") + b"ustar\x0000" + bytes(100), "a tar archive"),
        (b"text and a \x00", "binary data, not text: a NUL byte at byte offset 11"),
    ],
)
def test_binary_data_are_named(tmp_path: Path, data: bytes, kind: str) -> None:
    (tmp_path / "a").write_bytes(data)
    with pytest.raises(InputError, match=f"this is {kind}"):
        texts(tmp_path)
    (tmp_path / "b.txt").write_text("ORC is a word, and RIFF, and ID3 — all text")
    corpus = Corpus(tmp_path, on_error="skip")
    assert [document.source for document in corpus.documents()] == ["b.txt"]
    assert [skipped.source for skipped in corpus.skipped] == ["a"]


@pytest.mark.parametrize("word", ["ORC", "RIFF", "ID3", "OggS", "GIF89a"])
def test_text_that_begins_like_a_binary_file(tmp_path: Path, word: str) -> None:
    (tmp_path / "a.txt").write_text(f"{word} — a word", encoding="utf-8")
    assert texts(tmp_path) == [f"{word} — a word"]


def test_folder_is_sorted_by_relative_path_without_hidden_names(tmp_path: Path) -> None:
    names = ["b.txt", "a/z.py", "a/b/c.md", "a.txt", "B.txt", "noextension", "é.rst", "a-b/x"]
    for name in [*names, ".hidden", ".git/config", "a/.env", "a/.cache/x.txt"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name, encoding="utf-8")
    documents = list(Corpus(tmp_path).documents())
    assert [document.text for document in documents] == sorted(names)
    assert documents[0] == SourceDocument("B.txt", {"path": "B.txt"}, "B.txt", None)
    assert [document.metadata for document in documents] == [{"path": name} for name in sorted(names)]


def test_a_single_file_is_read_even_if_hidden_and_named_after_itself(tmp_path: Path) -> None:
    path = tmp_path / ".notes"
    path.write_text("x")
    assert list(Corpus(str(path)).documents()) == [SourceDocument("x", {"path": ".notes"}, ".notes", None)]


def test_the_input_folder_itself_may_be_hidden(tmp_path: Path) -> None:
    folder = tmp_path / ".corpus"
    folder.mkdir()
    (folder / "a.txt").write_text("x")
    assert texts(folder) == ["x"]


@pytest.mark.parametrize(
    ("data", "offset", "byte"),
    [(b"\xff", 0, "ff"), (b"ab\xc3", 2, "c3"), (b"a\xed\xa0\x80", 1, "ed"), (b"\xc0\x80", 0, "c0")],
)
def test_the_error_of_invalid_utf8_has_file_offset_and_advice(
    tmp_path: Path, data: bytes, offset: int, byte: str
) -> None:
    (tmp_path / "photo.png").write_bytes(data)
    with pytest.raises(InputError) as caught:
        texts(tmp_path)
    message = str(caught.value)
    assert str(tmp_path / "photo.png") in message
    assert f"byte 0x{byte} at byte offset {offset}" in message
    assert "--on-error skip" in message


def test_invalid_utf8_is_skipped_and_listed(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"\x89PNG")
    (tmp_path / "b.txt").write_text("kept")
    corpus = Corpus(tmp_path, on_error="skip")
    assert [document.text for document in corpus.documents()] == ["kept"]
    assert [(skipped.source, skipped.line) for skipped in corpus.skipped] == [("a.png", None)]
    assert "0x89" in corpus.skipped[0].reason


def test_links_to_folders_inside_the_folder_are_not_followed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path / "corpus"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "a.txt").write_text("a")
    (folder / "sub" / "loop").symlink_to(folder)
    (folder / "again").symlink_to(folder / "sub")
    assert texts(folder) == ["a"]
    assert "again: a link to a folder is not followed" in caplog.text


def test_dangling_links_are_unreadable(tmp_path: Path) -> None:
    (tmp_path / "broken").symlink_to(tmp_path / "missing")
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    (tmp_path / "z.txt").write_text("z")
    with pytest.raises(InputError, match="broken: cannot be read: No such file"):
        texts(tmp_path)
    corpus = Corpus(tmp_path, on_error="skip")
    assert [document.text for document in corpus.documents()] == ["z"]
    assert [skipped.source for skipped in corpus.skipped] == ["broken", "circle"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_named_pipe_is_refused_and_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(InputError, match="pipe: cannot be read: this is not a regular file"):
            texts(path)


def test_an_unreadable_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "locked").mkdir()
    (tmp_path / "a.txt").write_text("a")
    scandir = os.scandir

    def refuse(path: str | os.PathLike[str]) -> os._ScandirIterator[str]:
        if Path(path).name == "locked":
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(InputError, match=r"locked.*cannot be listed: Permission denied.*--on-error skip"):
        Corpus(tmp_path)
    corpus = Corpus(tmp_path, on_error="skip")
    assert [document.text for document in corpus.documents()] == ["a"]
    assert corpus.skipped == [Skipped("locked/", None, "this folder cannot be listed: Permission denied")]


@pytest.mark.skipif(os.name != "posix", reason="other systems have no such names")
def test_a_file_name_that_is_not_utf8_is_shown_with_escapes(tmp_path: Path) -> None:
    try:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/n\xff.txt")).write_text("x")
    except OSError:
        return  # the file system does not allow such a name
    assert [document.metadata for document in Corpus(tmp_path).documents()] == [{"path": "n\\xff.txt"}]


def test_empty_inputs(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="missing: no such file or folder"):
        Corpus(tmp_path / "missing")
    with pytest.raises(InputError, match="no file in this folder"):
        Corpus(tmp_path)
    (tmp_path / ".hidden").write_text("x")
    with pytest.raises(InputError, match="no file in this folder"):
        Corpus(tmp_path, on_error="skip")
    with pytest.raises(InputError, match="empty"):
        Corpus("")


def test_an_unknown_on_error(tmp_path: Path) -> None:
    with pytest.raises(QueryError, match="expected 'fail' or 'skip'"):
        Corpus(tmp_path, on_error="ignore")  # type: ignore[arg-type]
