"""A cache on the local disk for shards from object storage, where they can be mapped."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import shutil
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Final

from infgram import _core
from infgram.cluster.storage.download import fetch_removals, fetch_shard
from infgram.cluster.storage.storage import Storage, below, storage_at
from infgram.errors import IndexNotFoundError, StorageError
from infgram.files import manifest
from infgram.files.disk import FileLock, atomic_file, open_regular, storage_errors
from infgram.files.manifest import ShardEntry
from infgram.files.signed_json import digest

_VARIABLE: Final = "INFGRAM_CACHE"
_PARTIAL: Final = ".partial"
_LOCK: Final = ".lock"


def default_cache_folder() -> Path:
    """Return `INFGRAM_CACHE`, or `~/.cache/infgram`."""
    return Path(os.environ.get(_VARIABLE) or Path.home() / ".cache" / "infgram")


class Cache:
    """Local copies of shards in object storage, verified after download. Shards in a local folder are used in place.

    Several processes can share a folder, and several threads an object. The name of a shard is a digest of the sizes
    and checksums of its files, so a rebuilt index has different shards. The least recently used shards are evicted to
    make room; shards in use are not.

    For each shard, the folder has a file `DIGEST.lock`, which contains the size of the shard and is locked while the
    shard is in use. It remains when the shard is evicted. The shard is the folder `DIGEST`, or `DIGEST.partial` during
    its download.

    A shard with removed documents is a folder of links to the files of the shard, beside the files that tell what is
    removed, so that a deletion does not copy the shard again. Such folders are small and are not evicted.
    """

    def __init__(self, folder: Path, max_bytes: int | None = None) -> None:
        """Create a cache, without reading or writing.

        Args:
            folder: the folder of the cache, which is created when needed.
            max_bytes: the maximum size of all shards together; None for no limit but the disk.
        """
        self._indexes, self._shards = folder.absolute() / "indexes", folder.absolute() / "shards"
        self._changed = folder.absolute() / "changed"
        self._max_bytes = max_bytes
        self._used: dict[str, list[FileLock]] = {}  # one lock per use
        self._guard = threading.Lock()

    def index(self, location: str) -> Path:
        """Return a folder with the current manifest and tokenizer of an index, without its shards.

        Raises:
            IndexNotFoundError: the location has no index.
            IndexDamagedError: the manifest is larger than any of infgram.
            StorageError: the files cannot be copied.
        """
        storage = storage_at(location)
        if storage.folder is not None:
            return storage.folder
        try:
            content = storage.read(manifest.FILE_NAME)
        except FileNotFoundError as error:
            raise IndexNotFoundError(f"{location} is not an index: it has no {manifest.FILE_NAME}") from error
        folder = self._indexes / hashlib.sha256(f"{location}\n".encode() + content).hexdigest()[:32]
        if not (folder / manifest.FILE_NAME).exists():
            with storage_errors(f"create {folder}"):
                (folder / "tokenizer").mkdir(parents=True, exist_ok=True)
            for name in storage.names("tokenizer"):
                storage.download(name, folder / "tokenizer" / Path(name).name)
            path = folder / manifest.FILE_NAME  # last: it marks the folder as complete
            with storage_errors(f"write {path}"), atomic_file(path) as unfinished:
                unfinished.write_bytes(content)
        return folder

    def shard(self, location: str, shard: ShardEntry) -> Path:
        """Return a folder with all files of a shard. It stays until `release` is called once per call.

        Args:
            location: the location of the index.
            shard: the entry of the shard in the manifest.

        Raises:
            IndexDamagedError: a file is missing or differs from the manifest; the message names it, expected and found.
            StorageError: the shard cannot be copied, or is larger than the space that can be freed.
        """
        storage = storage_at(location)
        if storage.folder is not None:
            return storage.folder / shard.folder
        name = _name_of(shard)
        with storage_errors(f"create {self._shards}"):
            self._shards.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self._shards / f"{name}{_LOCK}")
        try:
            while True:
                lock.share()
                if (self._shards / name).is_dir():
                    break
                lock.exclude()  # another process may have downloaded or evicted it meanwhile
                if not (self._shards / name).is_dir():
                    self._fetch(storage, shard, name)
            lock.touch()
        except BaseException:
            lock.release()
            raise
        with self._guard:
            self._used.setdefault(name, []).append(lock)
        return self._shards / name if shard.removals is None else self._without_removed(storage, shard)

    def release(self, location: str, shard: ShardEntry) -> None:
        """Undo one call of `shard`."""
        with self._guard:
            locks = self._used.get(_name_of(shard))
            if locks and storage_at(location).folder is None:
                locks.pop().release()

    def _fetch(self, storage: Storage, shard: ShardEntry, name: str) -> None:
        """Download a shard, while its lock is held exclusively."""
        partial = self._shards / f"{name}{_PARTIAL}"
        n_bytes = shard.size_bytes
        with storage_errors(f"copy {below(storage.location, shard.folder)} to {self._shards}"):
            try:
                self._reserve(name, n_bytes)
                fetch_shard(storage, shard, partial)
                partial.rename(self._shards / name)
                _core.sync_folder(self._shards)
            finally:
                shutil.rmtree(partial, ignore_errors=True)

    def _without_removed(self, storage: Storage, shard: ShardEntry) -> Path:
        """Return the folder of a shard with removed documents, whose other files are in the cache."""
        content = asdict(shard)
        folder = self._changed / digest({name: content[name] for name in ("sections", "removals")})[:32]
        if not folder.exists():
            with storage_errors(f"create {folder}"):
                self._changed.mkdir(parents=True, exist_ok=True)
                partial = self._changed / f"{secrets.token_hex(8)}{_PARTIAL}"
                partial.mkdir()
                try:
                    for name in shard.sections:
                        (partial / name).symlink_to(self._shards / _name_of(shard) / name)
                    fetch_removals(storage, shard, partial)
                    partial.rename(folder)
                except OSError:
                    if not folder.is_dir():  # another process created it meanwhile
                        raise
                finally:
                    shutil.rmtree(partial, ignore_errors=True)
        return folder

    def _reserve(self, name: str, n_bytes: int) -> None:
        """Create the folder of a download, and make room for it; one process at a time."""
        everything = FileLock(self._shards / _LOCK)
        everything.exclude()
        try:
            self._make_room(name, n_bytes)
            (self._shards / f"{name}{_LOCK}").write_text(str(n_bytes))
            (self._shards / f"{name}{_PARTIAL}").mkdir()
        finally:
            everything.release()

    def _make_room(self, name: str, n_bytes: int) -> None:
        shutil.rmtree(self._shards / f"{name}{_PARTIAL}", ignore_errors=True)  # left by a killed process
        if self._max_bytes is None:
            return
        if n_bytes > self._max_bytes:
            raise StorageError(
                errno.ENOSPC,
                f"the shard takes {n_bytes:,} bytes; the cache in {self._shards.parent} may hold {self._max_bytes:,}; "
                "increase its limit",
            )
        taken = {path: _size_in(path) for path in self._by_use() if self._exists(path.stem)}
        for path in list(taken):
            if sum(taken.values()) + n_bytes <= self._max_bytes:
                return
            if self._evict(path):
                del taken[path]
        if sum(taken.values()) + n_bytes > self._max_bytes:
            raise StorageError(
                errno.ENOSPC,
                f"the shard takes {n_bytes:,} bytes; the cache in {self._shards.parent} may hold {self._max_bytes:,}, "
                f"{sum(taken.values()):,} of which are shards in use; increase its limit",
            )

    def _by_use(self) -> list[Path]:
        """Return the lock files of all shards, least recently used first."""
        return sorted(self._shards.glob(f"?*{_LOCK}"), key=lambda path: path.stat().st_mtime_ns)

    def _exists(self, name: str) -> bool:
        return any((self._shards / f"{name}{ending}").exists() for ending in ("", _PARTIAL))

    def _evict(self, path: Path) -> bool:
        """Remove the shard of a lock file, unless it is in use; return whether it was removed."""
        lock = FileLock(path)
        try:
            if not lock.exclude_now():
                return False
            folder, partial = path.with_suffix(""), path.with_suffix(_PARTIAL)
            shutil.rmtree(partial, ignore_errors=True)
            if folder.exists():
                folder.rename(partial)  # so that an incomplete folder is never taken for a shard
                shutil.rmtree(partial)
            return True
        finally:
            lock.release()


def _size_in(path: Path) -> int:
    """Return the size of a shard from its lock file, which is empty before the first download."""
    with open_regular(path) as file:
        digits = file.read(20)
    if not (digits or b"0").isdigit():
        raise StorageError(errno.EINVAL, f"{path} holds {digits!r}; expected the size of a shard; remove the file")
    return int(digits or 0)


def _name_of(shard: ShardEntry) -> str:
    """Return the digest of a shard: equal if its files have the same sizes and checksums, whatever is removed."""
    return digest(asdict(shard)["sections"])[:32]
