"""The shards of an index on this machine, opened."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from infgram import _core
from infgram.integrity import check_checksums, check_sizes
from infgram.manifest import ShardEntry
from infgram.types import Load


def open_shards(
    shards: Sequence[tuple[Path, ShardEntry]], load: Load = "map", *, first_document: int = 0
) -> _core.Index:
    """Open shards, and check that their files are those of the manifest.

    Args:
        shards: the folder of each, and what the manifest says of it.
        load: as for `infgram.open`.
        first_document: the number of their first document.

    Raises:
        IndexDamagedError: the files contradict themselves or the manifest.
    """
    for folder, shard in shards:
        check_sizes(folder, shard)
    core = _core.Index([folder for folder, _ in shards], load, first_document)
    for (folder, shard), sections in zip(shards, core.sections(), strict=True):
        check_checksums(folder, shard, sections)
    return core
