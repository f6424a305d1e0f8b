"""Which links of an input folder are followed, and that an index inside its own corpus is never read."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import infgram
from infgram.cluster import build as build_by_tasks
from infgram.corpus import Corpus, TokenCorpus
from infgram.errors import InputError
from tests.infini_gram_folders import write_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A corpus with two files, and files beside it."""
    for name in ("corpus/a.txt", "corpus/sub/b.txt", "outside/c.txt", "outside/deep/d.txt", "outside/e.jsonl"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"text": name}) + "\n" if name.endswith("l") else name)
    return tmp_path / "corpus"


def sources(path: str | Path | list[Path], **options: object) -> list[str]:
    return [document.source for document in Corpus(path, **options).documents()]  # type: ignore[arg-type]


OWN = ["a.txt", "sub/b.txt"]


def test_a_link_that_leads_out_is_refused_unless_asked_for(folder: Path) -> None:
    (folder / "link.txt").symlink_to("../outside/c.txt")
    with pytest.raises(
        InputError, match=r"^link\.txt: a link leads out of the input folder; .*--follow-links.*--exclu"
    ):
        Corpus(folder)
    assert sources(folder, follow_links=True) == ["a.txt", "link.txt", "sub/b.txt"]
    assert sources(folder, exclude="link.*") == OWN
    assert sources(folder, include="a.*") == ["a.txt"]
    corpus = Corpus(folder, on_error="skip")
    assert [document.source for document in corpus.documents()] == OWN
    assert [(skipped.source, "--follow-links" in skipped.reason) for skipped in corpus.skipped] == [("link.txt", True)]


def test_a_link_to_a_folder_that_leads_out(folder: Path) -> None:
    (folder / "more").symlink_to(folder.parent / "outside")
    for include in ((), "*.txt"):
        with pytest.raises(InputError, match=r"^more/: a link leads out"):
            Corpus(folder, include=include)
    assert sources(folder, exclude="more") == OWN
    followed = ["a.txt", "more/c.txt", "more/deep/d.txt", "more/e.jsonl", "sub/b.txt"]
    assert sources(folder, follow_links=True) == followed
    assert sources(f"{folder}/**/*.txt", follow_links=True) == [name for name in followed if name.endswith(".txt")]


def test_several_links_are_named_in_one_line(folder: Path) -> None:
    for number in range(5):
        (folder / f"link{number}.txt").symlink_to("/etc/hostname")
    message = r"^link0\.txt, link1\.txt, link2\.txt and 2 more: 5 links lead out of the input folder; [^\n]*$"
    with pytest.raises(InputError, match=message):
        Corpus(folder)
    with pytest.raises(InputError, match=message):
        Corpus(f"{folder}/*.txt")
    assert sources(f"{folder}/a*") == ["a.txt"]


def test_a_link_that_is_an_input_is_followed(folder: Path) -> None:
    (folder.parent / "link").symlink_to(folder)
    (folder.parent / "link.txt").symlink_to(folder / "a.txt")
    assert sources(folder.parent / "link") == OWN
    assert sources(folder.parent / "link.txt") == ["link.txt"]


def test_links_inside_the_folder_are_as_before(folder: Path) -> None:
    (folder / "again").symlink_to("sub")
    (folder / "sub" / "up").symlink_to(folder)
    assert sources(folder) == sources(folder, follow_links=True) == OWN


def test_circular_links_end(folder: Path) -> None:
    """Two folders with links to each other and to themselves have endlessly many paths."""
    outside = folder.parent / "outside"
    for name in ("x", "y"):
        (folder / name).symlink_to(outside)
        (outside / name).symlink_to(folder)
        (outside / f"self{name}").symlink_to(outside)
    found = sources(folder, follow_links=True)
    assert sorted(name.rpartition("/")[2] for name in found) == ["a.txt", "b.txt", "c.txt", "d.txt", "e.jsonl"]
    assert found == sources(folder, follow_links=True)


def test_a_snapshot_of_a_hugging_face_cache(tmp_path: Path) -> None:
    repository = tmp_path / "datasets--user--name"
    snapshot = repository / "snapshots" / "0123abcd"
    (snapshot / "data").mkdir(parents=True)
    (repository / "blobs").mkdir()
    for name in ("a.jsonl", "data/b.jsonl"):
        blob = repository / "blobs" / name.replace("/", "-").partition(".")[0]
        blob.write_text(json.dumps({"text": name}) + "\n")
        (snapshot / name).symlink_to(os.path.relpath(blob, (snapshot / name).parent))
    assert sources(snapshot) == ["a.jsonl", "data/b.jsonl"]
    assert sources(repository / "snapshots") == ["0123abcd/a.jsonl", "0123abcd/data/b.jsonl"]
    (tmp_path / "blobs").mkdir()
    (tmp_path / "blobs" / "secret").write_text("secret")
    (snapshot / "c.txt").symlink_to(tmp_path / "blobs" / "secret")  # the blobs of no repository
    with pytest.raises(InputError, match=r"^c\.txt: a link leads out"):
        Corpus(snapshot)


def test_links_below_a_url_of_this_machine(folder: Path) -> None:
    (folder / "link.txt").symlink_to("../outside/c.txt")
    with pytest.raises(InputError, match=r"^link\.txt: a link leads out"):
        Corpus(f"file://{folder}")
    assert sources(f"file://{folder}", exclude="link.*") == OWN


def test_token_files_behind_links(folder: Path) -> None:
    np.save(folder.parent / "ids.npy", np.array([1, 2, 1]))
    shutil.rmtree(folder)
    folder.mkdir()
    (folder / "ids.npy").symlink_to("../ids.npy")
    with pytest.raises(InputError, match=r"^ids\.npy: a link leads out"):
        TokenCorpus(folder, vocab_size=3)
    assert TokenCorpus(folder, vocab_size=3, follow_links=True).n_files == 1


@pytest.mark.parametrize("is_link", [False, True])
def test_an_index_inside_its_corpus_is_not_read(folder: Path, is_link: bool) -> None:
    output = folder / "index"
    if is_link:
        (folder.parent / "elsewhere").mkdir()
        output.symlink_to(folder.parent / "elsewhere")
        infgram.build(folder, folder.parent / "new", tokenizer="bytes", exclude="index").close()
        (folder.parent / "elsewhere").rmdir()
        (folder.parent / "new").rename(folder.parent / "elsewhere")
    for include in ((), ("*",)):
        with infgram.build(folder, output, tokenizer="bytes", overwrite=True, include=include) as index:
            assert [index.document(number).source for number in range(index.n_documents)] == OWN
    assert sources(f"{folder}/**") == OWN
    assert sources(f"file://{folder}") == OWN
    if not is_link:
        assert [entry.source for entry in Corpus(folder).left_out] == ["index/"]


def test_a_corpus_that_is_an_index(folder: Path) -> None:
    infgram.build(folder, folder / "index", tokenizer="bytes").close()
    with pytest.raises(InputError, match=r"no file to read; \. is an index"):
        Corpus(folder / "index")
    (folder / "sub" / "manifest.json").write_text("{}")  # anybody's manifest is no index
    assert sources(folder) == ["a.txt", "sub/b.txt", "sub/manifest.json"]


@pytest.mark.parametrize("version", [4, 6])
def test_an_index_of_infini_gram_is_not_read(folder: Path, version: int) -> None:
    write_folder(folder / "theirs", [[97], [98]], 8, 2, version, [{"n": 1}] * 2)
    (folder / "sub" / "table.0").write_text("a table alone is no index")
    assert sources(folder) == ["a.txt", "sub/b.txt", "sub/table.0"]
    reason = "an index of infini-gram; infgram convert reads it"
    left_out = [(entry.source, entry.reason) for entry in Corpus(folder).left_out]
    assert left_out == [(f"theirs/{name}", reason) for name in (["00/", "01/"] if version == 6 else [""])]
    with pytest.raises(InputError, match=f"no file to read; .* is {reason}$"):
        Corpus(folder / "theirs")


KILL = """
import os, sys
import infgram
from infgram.indexing import stages
def die(*_):
    os._exit(9)
stages.sort_shards = die
infgram.build(sys.argv[1], sys.argv[2], tokenizer="bytes")
"""


def test_a_killed_build_inside_its_corpus_is_resumed(folder: Path) -> None:
    output = folder / "index"
    killed = subprocess.run([sys.executable, "-I", "-c", KILL, folder, output], timeout=60, check=False)
    assert killed.returncode == 9
    assert (folder / "index.partial" / "build.json").exists()
    assert sources(folder) == OWN
    (folder / "index.partial" / "build.json").unlink()  # killed before the first stage
    assert sources(folder) == OWN
    with infgram.build(folder, output, tokenizer="bytes") as index:
        assert index.n_documents == len(OWN)


def test_a_build_in_tasks_inside_its_corpus(folder: Path) -> None:
    (folder / "index.partial").mkdir()
    (folder / "index.partial" / "plan.json").write_text("{}")
    (folder / "index.partial" / "part").write_text("x")
    (folder / "index" / "shard-00000").mkdir(parents=True)
    (folder / "index" / "shard-00000" / "tokens.bin").write_text("x")
    assert sources(folder) == OWN
    shutil.rmtree(folder / "index")
    shutil.rmtree(folder / "index.partial")
    build_by_tasks(folder, folder / "index", tokenizer="bytes", engine="local")
    assert sources(folder) == OWN
