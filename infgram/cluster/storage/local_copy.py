"""An index behind a URL, opened on this machine."""

from __future__ import annotations

import os
from pathlib import Path

from infgram.cluster.storage.cache import Cache, default_cache_folder
from infgram.files.disk import storage_errors
from infgram.files.manifest import Manifest


def local_copy(location: str) -> Path:
    """A folder with all of an index: what of it is not in this machine's cache is brought there.

    The shards stay in the cache as long as this process lives.

    Raises:
        IndexNotFoundError: there is no index.
        IndexDamagedError: a file is not what the manifest says.
        StorageError: the storage, or the disk, refused.
    """
    cache = Cache(default_cache_folder())
    folder = cache.index(location)
    for shard in Manifest.read(folder).shards:
        kept = cache.shard(location, shard).resolve()
        link = folder / shard.folder
        if link.resolve() != kept:
            with storage_errors(f"create {link}"):
                new = link.with_name(f"{link.name}.{os.getpid()}")
                new.symlink_to(kept)
                new.replace(link)
    return folder
