"""Inputs behind a URL give the same documents as local ones; errors of the file system are input errors."""

from __future__ import annotations

import gzip
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infgram.corpus import Corpus
from infgram.errors import InputError, MissingExtraError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

fsspec: Any = importlib.import_module("fsspec")
pa: Any = importlib.import_module("pyarrow")
pq: Any = importlib.import_module("pyarrow.parquet")

LINES = b'{"text": "one", "id": 1}\n{"text": "two"}\n'
FILES = {
    "a.txt": b"a",
    "b.jsonl": LINES,
    "c/d.jsonl.gz": gzip.compress(LINES),
    "c/e.jsonl.zst": zstd.compress(LINES),
    "c/f.csv": b"text\nx\ny\n",
    ".hidden/g.txt": b"hidden",
    "c/.h.txt": b"hidden",
}


@pytest.fixture
def local(tmp_path: Path) -> Path:
    for name, content in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    pq.write_table(pa.table({"text": [f"row {i}" for i in range(500)]}), tmp_path / "c" / "p.parquet")
    return tmp_path


@pytest.fixture(params=["file", "memory"])
def url(request: pytest.FixtureRequest, local: Path) -> Iterator[str]:
    """The same files behind a URL."""
    if request.param == "file":
        yield f"file://{local}"
        return
    memory = fsspec.filesystem("memory")
    for path in local.rglob("*"):
        if path.is_file():
            memory.pipe_file(f"/bucket/{path.relative_to(local).as_posix()}", path.read_bytes())
    yield "memory:///bucket"  # as fsspec writes it
    memory.store.clear()
    memory.pseudo_dirs[:] = [""]


def test_a_folder(url: str, local: Path) -> None:
    remote, here = Corpus(url), Corpus(local)
    assert list(remote.documents()) == list(here.documents())
    assert remote.n_bytes == here.n_bytes == remote.bytes_read
    assert list(remote.sample_texts(10_000)) == list(here.sample_texts(10_000))
    assert list(remote.documents()) == list(here.documents())


def test_files_and_patterns(url: str) -> None:
    assert [file.source for file in Corpus(f"{url}/c/d.jsonl.gz").files] == ["d.jsonl.gz"]
    assert [file.source for file in Corpus(f"{url}/*.txt").files] == ["a.txt"]
    assert [file.source for file in Corpus(f"{url}/**/*.jsonl*").files] == ["b.jsonl", "c/d.jsonl.gz", "c/e.jsonl.zst"]
    assert [file.source for file in Corpus([f"{url}/c/f.csv", f"{url}/a.txt"]).files] == ["c/f.csv", "a.txt"]


def test_local_and_remote_together(url: str, tmp_path: Path) -> None:
    (tmp_path / "z.txt").write_text("z")
    assert [file.source for file in Corpus([tmp_path / "z.txt", f"{url}/a.txt"]).files] == ["z.txt", f"{url}/a.txt"]


def test_errors_name_the_url(url: str) -> None:
    with pytest.raises(InputError, match=rf"{url}/missing\.txt: no such file or folder"):
        Corpus(f"{url}/missing.txt")
    with pytest.raises(InputError, match="no file found"):
        Corpus(f"{url}/*.none")
    with pytest.raises(InputError, match=r"two inputs"):
        Corpus([f"{url}/a.txt", f"{url}/*.txt"])
    with pytest.raises(InputError, match=rf"{url}/a\.txt: cannot be read: the file is longer"):
        list(Corpus(f"{url}/a.txt", longest_document_bytes=0).documents())


def test_unknown_protocols() -> None:
    with pytest.raises(InputError, match="nowhere://x: cannot be read: ValueError: Protocol not known"):
        Corpus("nowhere://x")


def test_errors_of_the_file_system_are_input_errors(local: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class ClientError(Exception):
        pass

    def fail(*_: Any, **__: Any) -> Any:
        raise ClientError("the token has expired")

    implementation = importlib.import_module("fsspec.implementations.local")
    corpus = Corpus(f"file://{local}", on_error="skip")
    with monkeypatch.context() as patch:
        patch.setattr(implementation.LocalFileSystem, "_open", fail)
        with pytest.raises(InputError, match=r"no document found.*ClientError: the token has expired"):
            list(corpus.documents())
    with monkeypatch.context() as patch:
        patch.setattr(implementation.LocalFileSystem, "info", fail)
        with pytest.raises(InputError, match="cannot be read: ClientError: the token has expired"):
            Corpus(f"file://{local}/a.txt")


def test_without_fsspec_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "fsspec"]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingExtraError, match=r"without the package fsspec.*pip install 'infgram\[remote\]'"):
        Corpus("memory:///bucket")


def test_without_the_package_of_the_protocol_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    monkeypatch.delitem(importlib.import_module("fsspec.registry")._registry, "s3", raising=False)
    with pytest.raises(MissingExtraError, match=r"s3://bucket: .*s3fs"):
        Corpus("s3://bucket")
