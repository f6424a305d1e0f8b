"""An output that is a symbolic link: the index that it points to is replaced, and the link stays."""

from __future__ import annotations

from pathlib import Path

import pytest

import infgram
from infgram.errors import IndexExistsError


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """A text, and a link `link` to a folder `disk/x` that does not exist yet."""
    path = tmp_path / "corpus.txt"
    path.write_text("old")
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to("disk/x")
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def text_of(index: Path) -> str:
    with infgram.open(index) as opened:
        return opened.document(0).text


def test_a_link_to_an_index(corpus: Path) -> None:
    folder = corpus.parent
    infgram.build(corpus, folder / "disk" / "x", tokenizer="bytes").close()
    corpus.write_text("new")
    with pytest.raises(IndexExistsError, match="--overwrite"):
        infgram.build(corpus, folder / "link", tokenizer="bytes")
    infgram.build(corpus, folder / "link", tokenizer="bytes", overwrite=True).close()
    assert (text_of(folder / "link"), text_of(folder / "disk" / "x")) == ("new", "new")
    assert (folder / "link").is_symlink()
    assert (names(folder), names(folder / "disk")) == (["corpus.txt", "disk", "link"], ["x"])


def test_a_build_that_fails_keeps_the_old_index(corpus: Path) -> None:
    folder = corpus.parent
    infgram.build(corpus, folder / "disk" / "x", tokenizer="bytes").close()
    corpus.write_text("new")

    def stop(_: object) -> None:
        assert text_of(folder / "link") == "old"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        infgram.build(corpus, folder / "link", tokenizer="bytes", overwrite=True, progress=stop)
    assert text_of(folder / "link") == "old"
    assert (folder / "link").is_symlink()


def test_a_link_to_an_empty_folder(corpus: Path) -> None:
    folder = corpus.parent
    (folder / "disk" / "x").mkdir()
    infgram.build(corpus, folder / "link", tokenizer="bytes").close()
    assert text_of(folder / "disk" / "x") == "old"
    assert (folder / "link").is_symlink()


@pytest.mark.parametrize("target", ["disk/x", "link", "corpus.txt"])
def test_a_link_to_no_folder_is_refused(corpus: Path, target: str) -> None:
    link = corpus.parent / "link"
    link.unlink()
    link.symlink_to(target)
    with pytest.raises(IndexExistsError, match="exists and is not an index"):
        infgram.build(corpus, link, tokenizer="bytes", overwrite=True)
    assert link.is_symlink()


@pytest.mark.parametrize("kind", ["a link", "other files"])
def test_what_no_build_wrote_is_not_removed(corpus: Path, kind: str) -> None:
    """The working folder of a build is emptied, so it must not be somebody's folder."""
    kept = corpus.parent / ("photos" if kind == "a link" else "x.partial")
    kept.mkdir()
    (kept / "thesis.txt").write_text("mine")
    if kind == "a link":
        (corpus.parent / "x.partial").symlink_to("photos")
    with pytest.raises(IndexExistsError, match=r"x\.partial, the working folder, (is a link|holds thesis\.txt)"):
        infgram.build(corpus, corpus.parent / "x", tokenizer="bytes")
    assert (kept / "thesis.txt").read_text() == "mine"
