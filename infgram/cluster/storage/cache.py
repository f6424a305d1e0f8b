"""Shards of indexes in object storage, kept on the local disk, where they can be mapped."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Final

from infgram import _core
from infgram.cluster.storage.download import fetch_shard
from infgram.cluster.storage.storage import Storage, below, storage_at
from infgram.errors import IndexNotFoundError, StorageError
from infgram.files import manifest
from infgram.files.disk import FileLock, storage_errors
from infgram.files.manifest import ShardEntry
from infgram.files.signed_json import digest

_VARIABLE: Final = "INFGRAM_CACHE"
_PARTIAL: Final = ".partial"
_LOCK: Final = ".lock"


def default_cache_folder() -> Path:
    """`INFGRAM_CACHE`, or `~/.cache/infgram`."""
    return Path(os.environ.get(_VARIABLE) or Path.home() / ".cache" / "infgram")


class Cache:
    """Local copies of what is in object storage, verified on arrival; what is in a local folder is used in place.

    Several processes of one machine may use one folder, several threads one object. Shards are named by the sizes
    and checksums of their files, so an index that was replaced is another one here. The shards that were used
    longest ago make room for new ones; one that a process uses stays.

    The folder has for each shard a file `DIGEST.lock`, locked while it is used and holding its size; it stays when
    the shard goes. The shard itself is the folder `DIGEST`, which grows as `DIGEST.partial`.
    """

    def __init__(self, folder: Path, max_bytes: int | None = None) -> None:
        """Nothing is read or written yet.

        Args:
            folder: of the cache; it is made when there is something to keep.
            max_bytes: so much all shards may take together; None for as much as the disk has.
        """
        self._indexes, self._shards = folder.absolute() / "indexes", folder.absolute() / "shards"
        self._max_bytes = max_bytes
        self._used: dict[str, list[FileLock]] = {}  # a lock for each use
        self._guard = threading.Lock()

    def index(self, location: str) -> Path:
        """A folder with the manifest and the tokenizer of an index, as they are now; it has none of its shards.

        Raises:
            IndexNotFoundError: there is no index.
            StorageError: it cannot be copied.
        """
        storage = storage_at(location)
        if storage.folder is not None:
            return storage.folder
        try:
            content = storage.read(manifest.FILE_NAME)
        except FileNotFoundError as error:
            raise IndexNotFoundError(f"{location} is no index: it has no {manifest.FILE_NAME}") from error
        folder = self._indexes / hashlib.sha256(f"{location}\n".encode() + content).hexdigest()[:32]
        if not (folder / manifest.FILE_NAME).exists():
            with storage_errors(f"create {folder}"):
                (folder / "tokenizer").mkdir(parents=True, exist_ok=True)
            for name in storage.names("tokenizer"):
                storage.download(name, folder / "tokenizer" / Path(name).name)
            storage.download(manifest.FILE_NAME, folder / manifest.FILE_NAME)  # the last one: all is there
        return folder

    def shard(self, location: str, shard: ShardEntry) -> Path:
        """A folder with all files of a shard; it stays until this process has called `release` as often.

        Args:
            location: of the index.
            shard: as its manifest has it.

        Raises:
            IndexDamagedError: a file is missing or is not what the manifest says: names it, expected and found.
            StorageError: it cannot be copied, or is larger than what can be made free.
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
                lock.exclude()  # and another process may have brought it meanwhile, or have made it go since
                if not (self._shards / name).is_dir():
                    self._fetch(storage, shard, name)
            lock.touch()
        except BaseException:
            lock.release()
            raise
        with self._guard:
            self._used.setdefault(name, []).append(lock)
        return self._shards / name

    def release(self, location: str, shard: ShardEntry) -> None:
        """The shard is not used any more by one of those who called `shard`."""
        with self._guard:
            locks = self._used.get(_name_of(shard))
            if locks and storage_at(location).folder is None:
                locks.pop().release()

    def _fetch(self, storage: Storage, shard: ShardEntry, name: str) -> None:
        """Bring a shard; its lock is held exclusively."""
        partial = self._shards / f"{name}{_PARTIAL}"
        n_bytes = shard.size_bytes
        with storage_errors(f"bring {below(storage.location, shard.folder)} to {self._shards}"):
            try:
                self._reserve(name, n_bytes)
                fetch_shard(storage, shard, partial)
                partial.rename(self._shards / name)
                _core.sync_folder(self._shards)
            finally:
                shutil.rmtree(partial, ignore_errors=True)

    def _reserve(self, name: str, n_bytes: int) -> None:
        """Make the folder that a shard grows in, and room for so much; one process at a time."""
        everything = FileLock(self._shards / _LOCK)
        everything.exclude()
        try:
            self._make_room(name, n_bytes)
            (self._shards / f"{name}{_LOCK}").write_text(str(n_bytes))
            (self._shards / f"{name}{_PARTIAL}").mkdir()
        finally:
            everything.release()

    def _make_room(self, name: str, n_bytes: int) -> None:
        shutil.rmtree(self._shards / f"{name}{_PARTIAL}", ignore_errors=True)  # of a process that was killed
        if self._max_bytes is None:
            return
        if n_bytes > self._max_bytes:
            raise StorageError(
                errno.ENOSPC,
                f"the shard takes {n_bytes:,} bytes; the cache in {self._shards.parent} may hold {self._max_bytes:,}; "
                "allow it more",
            )
        taken = {path: int(path.read_text() or 0) for path in self._by_use() if self._is_there(path.stem)}
        for path in list(taken):
            if sum(taken.values()) + n_bytes <= self._max_bytes:
                return
            if self._evict(path):
                del taken[path]
        if sum(taken.values()) + n_bytes > self._max_bytes:
            raise StorageError(
                errno.ENOSPC,
                f"the shard takes {n_bytes:,} bytes; the cache in {self._shards.parent} may hold {self._max_bytes:,}, "
                f"{sum(taken.values()):,} of which are shards in use; allow it more",
            )

    def _by_use(self) -> list[Path]:
        """The lock files of all shards, those first that were used longest ago."""
        return sorted(self._shards.glob(f"?*{_LOCK}"), key=lambda path: path.stat().st_mtime_ns)

    def _is_there(self, name: str) -> bool:
        return any((self._shards / f"{name}{ending}").exists() for ending in ("", _PARTIAL))

    def _evict(self, path: Path) -> bool:
        """Remove the shard with this lock file, unless it is in use."""
        lock = FileLock(path)
        try:
            if not lock.exclude_now():
                return False
            folder, partial = path.with_suffix(""), path.with_suffix(_PARTIAL)
            shutil.rmtree(partial, ignore_errors=True)
            if folder.exists():
                folder.rename(partial)  # so that never a part of it is taken for the whole
                shutil.rmtree(partial)
            return True
        finally:
            lock.release()


def _name_of(shard: ShardEntry) -> str:
    """Equal for shards whose files have the same sizes and checksums."""
    return digest(asdict(shard)["sections"])[:32]
