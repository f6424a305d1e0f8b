"""Which files are read: patterns to include and exclude, files of jobs, and files with two names."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from infgram.corpus import Corpus
from infgram.errors import InputError, QueryError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("README.md", "a.txt", "b.jsonl", "c/README.md", "c/d.txt", "c/e/f.jsonl", "_SUCCESS"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'{{"text": "{name}"}}\n' if name.endswith(".jsonl") else name)
    return tmp_path


def sources(folder: Path, **options: object) -> list[str]:
    return [file.source for file in Corpus(folder, **options).files]  # type: ignore[arg-type]


def test_files_of_jobs_and_descriptions_beside_data_are_left_out(folder: Path) -> None:
    corpus = Corpus(folder)
    assert [file.source for file in corpus.files] == ["a.txt", "b.jsonl", "c/d.txt", "c/e/f.jsonl"]
    assert [(entry.source, entry.reason) for entry in corpus.left_out] == [
        ("README.md", "describes the data beside it"),
        ("_SUCCESS", "written by a job, without documents"),
        ("c/README.md", "describes the data beside it"),
    ]
    assert len(list(corpus.documents())) == 4
    assert corpus.summary() == (
        "read 2 files as JSON lines, 2 as text; text: a.txt, c/d.txt; left out 3: README.md, _SUCCESS, c/README.md"
    )


def test_a_description_without_data_is_a_document(folder: Path) -> None:
    for name in ("b.jsonl", "c/e/f.jsonl"):
        (folder / name).unlink()
    assert sources(folder) == ["README.md", "a.txt", "c/README.md", "c/d.txt"]


def test_a_file_that_is_named_explicitly_is_read(folder: Path) -> None:
    assert sources(folder / "README.md") == ["README.md"]
    assert sources(folder / "_SUCCESS") == ["_SUCCESS"]
    assert [file.source for file in Corpus([folder / "b.jsonl", folder / "README.md"]).files] == [
        "b.jsonl",
        "README.md",
    ]


@pytest.mark.parametrize(
    ("include", "exclude", "expected"),
    [
        ("*.jsonl", (), ["b.jsonl", "c/e/f.jsonl"]),
        (["*.jsonl", "a.*"], (), ["a.txt", "b.jsonl", "c/e/f.jsonl"]),
        ("c/*", (), ["c/README.md", "c/d.txt"]),
        ("c/**", (), ["c/README.md", "c/d.txt", "c/e/f.jsonl"]),
        ("./c/**", "README*", ["c/d.txt", "c/e/f.jsonl"]),
        ("*", (), ["README.md", "_SUCCESS", "a.txt", "b.jsonl", "c/README.md", "c/d.txt", "c/e/f.jsonl"]),
        ((), "*.txt", ["b.jsonl", "c/e/f.jsonl"]),
        ((), ["c/**", "b.*"], ["README.md", "a.txt"]),
    ],
)
def test_patterns(folder: Path, include: str | list[str], exclude: str | list[str], expected: list[str]) -> None:
    if exclude == ["c/**", "b.*"]:  # there are data beside the description, though excluded
        expected = ["a.txt"]
    assert sources(folder, include=include, exclude=exclude) == expected


def test_an_empty_selection(folder: Path) -> None:
    with pytest.raises(InputError, match=r"no file to read; 7 files are excluded, the first: README\.md \(not inc"):
        Corpus(folder, include="*.parquet")
    with pytest.raises(InputError, match="include contains an empty pattern"):
        Corpus(folder, include="")
    with pytest.raises(QueryError, match="format is 'yaml'; expected 'auto', 'text', 'jsonl'"):
        Corpus(folder, format="yaml")  # type: ignore[arg-type]


def test_the_fingerprint_depends_on_how_files_are_read(folder: Path) -> None:
    prints = {
        Corpus(folder).fingerprint(),
        Corpus(folder, format="text").fingerprint(),
        Corpus(folder, include="*.jsonl").fingerprint(),
        Corpus(folder, exclude="a.txt").fingerprint(),
    }
    assert len(prints) == 4
    assert Corpus(folder).fingerprint() in prints


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_one_file_with_two_names_is_an_error(folder: Path, link: object) -> None:
    link(folder / "a.txt", folder / "z.txt")  # type: ignore[operator]
    same = r"z\.txt and .*a\.txt are links to the same file.*--exclude"
    with pytest.raises(InputError, match=same):
        Corpus(folder)
    with pytest.raises(InputError, match=same):
        Corpus([folder / "a.txt", folder / "z.txt"])
    with pytest.raises(InputError, match=same):
        Corpus([folder / "a.txt", f"file://{folder}/z.txt"])
    assert "a.txt" not in sources(folder, exclude="a.txt")
    assert sources(folder, include="a.txt") == ["a.txt"]


def test_links_to_folders_that_are_named(folder: Path) -> None:
    (folder / "again").symlink_to(folder / "c")
    with pytest.raises(InputError, match="are links to the same file"):
        Corpus([folder / "c", folder / "again"])


def test_one_file_with_a_path_and_a_url_is_an_error(folder: Path) -> None:
    with pytest.raises(InputError, match="is named by two inputs"):
        Corpus([folder / "a.txt", f"file://{folder}/a.txt"])


@pytest.mark.parametrize(
    "name", ["authors.jsonl", "citation_contexts.jsonl", "readme.jsonl.gz", "notice_1.txt", "README.py"]
)
def test_data_with_the_name_of_a_description_are_read(folder: Path, name: str) -> None:
    (folder / name).write_text('{"text": "a"}\n')
    assert name in sources(folder)


@pytest.mark.parametrize("name", ["LICENSE-MIT", "README_zh.md", "readme", "CITATION.cff", "SHA256SUMS", "a.jsonl.md5"])
def test_names_of_descriptions(folder: Path, name: str) -> None:
    (folder / name).write_text("x")
    assert name not in sources(folder)


def test_a_table_without_a_suffix_is_recognized(folder: Path) -> None:
    for name in ("b.jsonl", "c/e/f.jsonl"):
        (folder / name).unlink()
    (folder / "c" / "data.json").write_text('{\n  "name": "a program"\n}')
    assert "README.md" in sources(folder)
    (folder / "c" / "part-0").write_text('{"text": "a"}\n{"text": "b"}\n')
    assert "README.md" not in sources(folder)
