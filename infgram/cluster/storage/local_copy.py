"""A local copy of an index behind a URL."""

from __future__ import annotations

import os
from pathlib import Path

from infgram.cluster.storage.cache import Cache, default_cache_folder
from infgram.files.disk import storage_errors
from infgram.files.manifest import Manifest


def local_copy(location: str) -> Path:
    """Return a local folder with a complete index, after downloading what the cache of this machine lacks.

    The shards stay in the cache while this process runs.

    Raises:
        IndexNotFoundError: the location has no index.
        IndexDamagedError: a file differs from its entry in the manifest.
        StorageError: the storage or the local disk reported an error.
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
