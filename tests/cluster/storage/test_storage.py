"""A local folder and object storage behave alike."""

from __future__ import annotations

import importlib
import os
import sys
import threading
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from infgram.cluster.storage.storage import storage_at
from infgram.errors import IndexDamagedError, MissingExtraError, StorageError
from tests.children import in_children, round_trip

fsspec: Any = importlib.import_module("fsspec")

LARGE = os.urandom(1 << 20) * 101
"""More than the part in which a large file travels."""


def test_write_and_read(location: str) -> None:
    storage = storage_at(location)
    assert storage.location == location
    storage.write("a.json", b"{}")
    storage.write("b/c.bin", b"\0" * 1000)
    storage.write("a.json", b"{ }")
    assert storage.read("a.json") == b"{ }"
    assert storage.sizes() == {"a.json": 3, "b/c.bin": 1000}
    assert storage.names("b") == ["b/c.bin"]
    assert storage.exists("b/c.bin")
    assert not storage.exists("b")
    assert storage_at(location).names() == ["a.json", "b/c.bin"]


@pytest.mark.filterwarnings("ignore:.*use of fork.*:DeprecationWarning")
def test_another_process_uses_its_own_connections(location: str) -> None:
    storage = storage_at(location)
    storage.write("a", b"x")
    assert storage.read("a") == b"x"  # so that there is a connection to inherit
    assert in_children(lambda _: storage.read("a"), 3) == [b"x"] * 3
    assert round_trip(storage).read("a") == storage.read("a") == b"x"


def test_missing_files(location: str, tmp_path: Path) -> None:
    storage = storage_at(location)
    assert storage.names() == storage.names("b") == []
    assert not storage.exists("a")
    with pytest.raises(FileNotFoundError):
        storage.read("a")
    with pytest.raises(FileNotFoundError):
        storage.download("a", tmp_path / "a")
    assert not (tmp_path / "a").exists()
    storage.remove("a")


def test_files_and_folders_are_removed(location: str) -> None:
    storage = storage_at(location)
    for name in ("a", "b/c", "b/d/e", "bc"):
        storage.write(name, b"x")
    storage.remove("a")
    storage.remove("b")
    assert storage.names() == ["bc"]


def test_no_more_than_a_small_file_is_read(location: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infgram.cluster.storage.storage.MOST_BYTES", 1000)
    storage = storage_at(location)
    for name, size_bytes in (("empty", 0), ("small", 1000), ("larger", 1001), ("large", 16 << 20)):
        storage.write(name, b"x" * size_bytes)
    assert (len(storage.read("empty")), len(storage.read("small"))) == (0, 1000)
    tracemalloc.start()
    for name in ("larger", "large"):
        with pytest.raises(IndexDamagedError, match=f"/{name} is larger than 1,000 bytes"):
            storage.read(name)
    _, most_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most_bytes < 4 << 20


@pytest.mark.parametrize("content", [b"", b"few bytes", LARGE], ids=["empty", "small", "large"])
def test_upload_and_download(location: str, tmp_path: Path, content: bytes) -> None:
    storage = storage_at(location)
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(content)
    storage.write("folder/file", b"what was there before")
    storage.upload(source, "folder/file")
    assert storage.sizes("folder") == {"folder/file": len(content)}
    target.write_bytes(b"what was there before")
    source.unlink()
    storage.download("folder/file", target)
    assert target.read_bytes() == content
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize("name", ["", "/etc/passwd", "../x", "a/../b", "a//b", "."])
def test_names_outside_the_folder_are_rejected(location: str, name: str) -> None:
    storage = storage_at(location)
    with pytest.raises(StorageError, match="not the name of a file"):
        storage.write(name, b"x")


def test_several_threads_at_once(location: str) -> None:
    storage = storage_at(location)
    errors: list[Exception] = []

    def write(number: int) -> None:
        try:
            for _ in range(3):
                storage.write("same", b"x" * 1000)
                storage.write(f"own-{number}", b"%d" % number)
                assert storage.read("same") == b"x" * 1000
        except Exception as error:
            errors.append(error)
            raise

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert storage.names() == [*(f"own-{number}" for number in range(4)), "same"]


def test_a_permission_error_names_the_folder(tmp_path: Path, bucket: str) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError, match=r"cannot write .*file/x/y"):
        storage_at(tmp_path / "file" / "x").write("y", b"")
    with pytest.raises(StorageError, match=r"cannot write s3://no-such-bucket-here/x/y: "):
        storage_at("s3://no-such-bucket-here/x").write("y", b"")
    with pytest.raises(StorageError, match=r"cannot copy .*missing to"):
        storage_at(f"{bucket}/x").upload(tmp_path / "missing", "y")


def test_errors_of_the_client_become_storage_errors(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class ClientError(Exception):
        pass

    def fail(*_: Any, **__: Any) -> Any:
        raise ClientError("the token has expired")

    memory = fsspec.get_filesystem_class("memory")
    for name in ("open", "pipe_file", "put_file", "get_file", "find", "info", "rm"):
        monkeypatch.setattr(memory, name, fail)
    storage = storage_at("memory://x/y")
    for call in (
        lambda: storage.read("a"),
        lambda: storage.write("a", b""),
        lambda: storage.upload(tmp_path / "a", "a"),
        lambda: storage.download("a", tmp_path / "a"),
        lambda: storage.sizes(),
        lambda: storage.exists("a"),
        lambda: storage.remove("a"),
    ):
        with pytest.raises(StorageError, match=r"memory://x/y/?a?.*: ClientError: the token has expired"):
            call()


def test_invalid_locations() -> None:
    for location in ("", "file://"):
        with pytest.raises(StorageError, match="expected a folder, or a URL"):
            storage_at(location)
    with pytest.raises(StorageError, match=r"cannot open nowhere://x: .*Protocol not known"):
        storage_at("nowhere://x")


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "s3fs", None)
        patch.delitem(importlib.import_module("fsspec.registry")._registry, "s3", raising=False)
        with pytest.raises(MissingExtraError, match=r"s3://bucket/x: .*s3fs"):
            storage_at("s3://bucket/x")
    for name in [name for name in sys.modules if name.partition(".")[0] == "fsspec"]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingExtraError, match=r"pip install 'infgram\[remote\]'"):
        storage_at("memory://x")
