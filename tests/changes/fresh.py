"""Compare a compacted index with a build of the same documents."""

from __future__ import annotations

from pathlib import Path

import infgram
from infgram.files.manifest import DOCUMENT_NUMBERS, Manifest


def sections_of(folder: Path) -> list[dict[str, bytes]]:
    """Return the files of each shard, in order, without the numbers of the documents."""
    return [
        {name: (folder / shard.folder / name).read_bytes() for name in shard.files if name != DOCUMENT_NUMBERS}
        for shard in Manifest.read(folder).shards
    ]


def files_of(folder: Path) -> set[str]:
    """Return the names of all files below a folder."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def named_files(folder: Path) -> set[str]:
    """Return the names of all files that an index should have."""
    manifest = Manifest.read(folder)
    names = {f"{shard.folder}/{name}" for shard in manifest.shards for name in shard.files}
    tokenizer = {str(path.relative_to(folder)) for path in (folder / "tokenizer").glob("*")}
    return names | tokenizer | {"manifest.json"}


def check_no_other_files(folder: Path) -> None:
    """Check that an index has the files that its manifest names, and no others, and nothing is left beside it."""
    assert files_of(folder) == named_files(folder)
    assert not folder.with_name(f"{folder.name}.partial").exists()


def check_intact(folder: Path) -> None:
    """Verify an index and its files."""
    with infgram.open(folder) as index:
        index.verify()
    check_no_other_files(folder)
