"""The cache of shards: copies are verified, limited in size, and shared by processes."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import infgram
from infgram import _core
from infgram.cluster.storage.cache import Cache, default_cache_folder
from infgram.cluster.storage.storage import Storage, storage_at
from infgram.errors import IndexDamagedError, IndexNotFoundError, StorageError
from infgram.files.manifest import Manifest, ShardEntry
from tests.indexing.resuming import OPTIONS, content, write_corpus


@pytest.fixture(scope="session")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("index")
    infgram.build(write_corpus(folder / "corpus.jsonl"), folder / "x", **OPTIONS).close()
    return folder / "x"


@pytest.fixture
def shards(index: Path) -> tuple[ShardEntry, ...]:
    return Manifest.read(index).shards


@pytest.fixture
def stored(bucket: str, index: Path, tmp_path: Path) -> Iterator[Storage]:
    storage = storage_at(f"{bucket}/{tmp_path.name}")
    for name in content(index):
        storage.upload(index / name, name)
    yield storage
    storage.remove("manifest.json")


def size_of(shard: ShardEntry) -> int:
    return sum(section.size_bytes for section in shard.sections.values())


def kept(cache: Path) -> int:
    """Return the number of shards in a cache; there must be no partial copies."""
    folders = [path for path in (cache / "shards").glob("*") if path.is_dir()]
    assert not [path for path in folders if path.name.endswith(".partial")]
    return len(folders)


def test_a_local_index_is_used_in_place(index: Path, shards: tuple[ShardEntry, ...], tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache", max_bytes=1)
    for location in (str(index), f"file://{index}"):
        assert cache.index(location) == index
        assert cache.shard(location, shards[0]) == index / "shard-00000"
        cache.release(location, shards[0])
    assert kept(tmp_path / "cache") == 0


def test_the_copies_are_the_index(stored: Storage, index: Path, tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    folder = cache.index(stored.location)
    assert {"manifest.json", "tokenizer/tokenizer.json"} == set(content(folder))
    manifest = Manifest.read(folder)
    for shard in manifest.shards:
        copy = cache.shard(stored.location, shard)
        assert content(copy) == content(index / shard.folder)
        _core.Index([_core.ShardState(copy)])


def test_a_second_use_reads_nothing(stored: Storage, shards: tuple[ShardEntry, ...], tmp_path: Path) -> None:
    first = Cache(tmp_path / "cache").shard(stored.location, shards[0])
    stored.remove(shards[0].folder)
    assert Cache(tmp_path / "cache").shard(stored.location, shards[0]) == first


def test_a_replaced_index(stored: Storage, tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    first = cache.index(stored.location)
    stored.write("manifest.json", stored.read("manifest.json") + b"\n")
    second = cache.index(stored.location)
    assert (second / "manifest.json").read_bytes() == (first / "manifest.json").read_bytes() + b"\n"
    stored.remove("manifest.json")
    with pytest.raises(IndexNotFoundError, match=r"s3://.*has no manifest"):
        cache.index(stored.location)


def test_damaged_shards_are_rejected(stored: Storage, shards: tuple[ShardEntry, ...], tmp_path: Path) -> None:
    cache, shard = Cache(tmp_path / "cache"), shards[1]
    name = f"{shard.folder}/tokens.bin"
    whole = stored.read(name)
    size = len(whole)
    flipped = bytearray(whole)
    flipped[size // 2] ^= 1
    damages = {
        rf"has {size - 1} bytes, expected {size}": whole[:-1],
        "has 0 bytes": b"",
        "checksum": bytes(flipped),
        "belongs to another index": stored.read(f"{shards[0].folder}/tokens.bin").ljust(size, b"\0")[:size],
    }
    for message, data in damages.items():
        stored.write(name, data)
        with pytest.raises(IndexDamagedError, match=rf"{stored.location}/{name}.*{message}"):
            cache.shard(stored.location, shard)
        assert kept(tmp_path / "cache") == 0
    stored.remove(name)
    with pytest.raises(IndexDamagedError, match=rf"{stored.location}/{name} is missing, expected {size} bytes"):
        cache.shard(stored.location, shard)
    stored.write(name, whole)
    cache.shard(stored.location, shard)


def test_the_least_recently_used_copy_is_removed(
    stored: Storage, shards: tuple[ShardEntry, ...], tmp_path: Path
) -> None:
    a, b, c = shards[:3]
    cache = Cache(tmp_path / "cache", max_bytes=size_of(a) + size_of(b) + size_of(c) - 1)
    for shard in (a, b, a):
        path_of_a = cache.shard(stored.location, shard)
        cache.release(stored.location, shard)
    path_of_c = cache.shard(stored.location, c)  # replaces b
    assert path_of_a.exists()
    assert kept(tmp_path / "cache") == 2
    cache.release(stored.location, c)
    cache.shard(stored.location, b)  # replaces a
    assert not path_of_a.exists()
    assert path_of_c.exists()


def test_copies_in_use_are_kept(stored: Storage, shards: tuple[ShardEntry, ...], tmp_path: Path) -> None:
    a, b = shards[:2]
    cache = Cache(tmp_path / "cache", max_bytes=size_of(a) + size_of(b) - 1)
    path = cache.shard(stored.location, a)
    cache.shard(stored.location, a)
    cache.release(stored.location, a)  # so it was used again
    for other in (cache, Cache(tmp_path / "cache", max_bytes=size_of(a) + size_of(b) - 1)):
        with pytest.raises(
            StorageError, match=rf"takes {size_of(b):,} bytes; .* {size_of(a):,} of which are shards in"
        ):
            other.shard(stored.location, b)
    assert path.exists()
    cache.release(stored.location, a)
    cache.release(stored.location, a)  # a further release
    cache.shard(stored.location, b)
    assert not path.exists()


def test_a_cache_smaller_than_a_shard(stored: Storage, shards: tuple[ShardEntry, ...], tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache", max_bytes=1000)
    with pytest.raises(StorageError, match=r"takes [\d,]+ bytes; the cache in .* may hold 1,000; increase its limit"):
        cache.shard(stored.location, shards[0])


def test_a_lock_without_a_size(stored: Storage, shards: tuple[ShardEntry, ...], tmp_path: Path) -> None:
    """The size of a kept shard decides what is evicted."""
    a, b = shards[:2]
    cache = Cache(tmp_path / "cache", max_bytes=size_of(a) + size_of(b))
    cache.shard(stored.location, a)
    (lock,) = (tmp_path / "cache" / "shards").glob("?*.lock")
    lock.write_bytes(b"-1")
    with pytest.raises(StorageError, match=r"holds b'-1'; expected the size of a shard"):
        cache.shard(stored.location, b)


def test_several_processes(stored: Storage, shards: tuple[ShardEntry, ...], tmp_path: Path) -> None:
    """Each process copies and checks all shards repeatedly, in a cache that is too small for all of them."""
    most = size_of(shards[0]) * 2 + 20_000
    code = f"""
import sys
from pathlib import Path
from infgram import _core
from infgram.cluster.storage.cache import Cache
from infgram.files.manifest import Manifest
cache = Cache(Path({str(tmp_path / "cache")!r}), {most})
for _ in range(4):
    for shard in Manifest.read(cache.index({stored.location!r})).shards:
        _core.verify_shard(cache.shard({stored.location!r}, shard))
        cache.release({stored.location!r}, shard)
"""
    processes = [subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, cwd=tmp_path) for _ in range(2)]
    for process in processes:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors.decode()
    assert kept(tmp_path / "cache") < len(shards)
    assert 0 < sum(map(len, content(tmp_path / "cache" / "shards").values())) < most + 1000


def test_leftovers_of_a_killed_process(stored: Storage, shards: tuple[ShardEntry, ...], tmp_path: Path) -> None:
    killed = Cache(tmp_path / "cache")
    path = killed.shard(stored.location, shards[0])
    killed.release(stored.location, shards[0])
    path.rename(path.with_suffix(".partial"))  # as if it had been killed before the shard was complete
    (path.with_suffix(".partial") / "tokens.bin").unlink()
    cache = Cache(tmp_path / "cache", max_bytes=size_of(shards[0]))
    _core.verify_shard(cache.shard(stored.location, shards[0]))
    assert kept(tmp_path / "cache") == 1


def test_the_default_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("INFGRAM_CACHE", str(tmp_path))
    assert default_cache_folder() == tmp_path
    monkeypatch.delenv("INFGRAM_CACHE")
    assert default_cache_folder() == Path.home() / ".cache" / "infgram"


def test_a_deletion_copies_what_is_removed_only(index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A changed index behind a URL answers as a local one, and its shards are not copied again."""
    monkeypatch.setenv("INFGRAM_CACHE", str(tmp_path / "cache"))
    local = shutil.copytree(index, tmp_path / "local")
    url = f"memory://changed-{tmp_path.name}"

    def upload() -> None:
        for name in sorted(content(local), key=lambda name: name == "manifest.json"):
            storage_at(url).upload(local / name, name)

    upload()
    with infgram.open(url) as remote:
        shards = kept(tmp_path / "cache")
        for change in (
            lambda: infgram.delete(local, documents=[0]),
            lambda: infgram.delete(local, documents=[1]),
            lambda: infgram.compact(local),
        ):
            change()
            upload()
            assert remote.reload()
            with infgram.open(local) as expected, infgram.open(url) as opened:
                for each in (remote, opened):
                    assert [*each.document_ids()] == [*expected.document_ids()]
                    assert each.info()["generation"] == expected.info()["generation"]
                    each.verify()
            has_removals = any(shard.removals is not None for shard in Manifest.read(local).shards)
            assert (kept(tmp_path / "cache") == shards) == has_removals
