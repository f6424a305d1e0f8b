"""Train, valid and test texts of the language model benchmark: given files, and Python source split by path."""

from __future__ import annotations

import hashlib
import json
import sys
import sysconfig
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Final, NamedTuple

SPLITS: Final = ("train", "valid", "test")
PYTHON: Final = "python"

_HELD_OUT: Final = 0.03  # share of the files for valid, and for test
_FEWEST_CHARACTERS: Final = 400
_MOST_CHARACTERS: Final = 90_000_000


class Split(NamedTuple):
    """The three files of a set."""

    train: Path
    valid: Path
    test: Path


def find_splits(data: Path) -> dict[str, Split]:
    """Return the sets in a folder; each is a folder with `train.jsonl.zst`, `valid.jsonl.zst`, `test.jsonl.zst`."""
    found = {}
    for folder in sorted(path for path in data.iterdir() if path.is_dir()):
        split = Split(*(folder / f"{name}.jsonl.zst" for name in SPLITS))
        if all(path.is_file() for path in split):
            found[folder.name] = split
    return found


def python_splits(folder: Path, *, packages: bool) -> Split:
    """Write distinct source files of Python and its installed packages as a set, unless the files exist."""
    split = Split(*(folder / f"{PYTHON}.{name}.jsonl.zst" for name in SPLITS))
    if all(path.is_file() for path in split):
        return split
    zstd = import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")
    writers = [zstd.open(path.with_suffix(".tmp"), "wt", encoding="utf-8") for path in split]
    sources = list(_sources(packages))
    kept = min(1.0, _MOST_CHARACTERS / max(1, sum(len(text) for _, text in sources)))
    for name, text in sources:
        if _share("keep", name) < kept:
            share = _share("split", name)
            kind = 1 if share < _HELD_OUT else 2 if share < 2 * _HELD_OUT else 0
            writers[kind].write(json.dumps({"id": name, "text": text}) + "\n")
    for writer, path in zip(writers, split, strict=True):
        writer.close()
        path.with_suffix(".tmp").rename(path)
    return split


def _share(purpose: str, name: str) -> float:
    """Return the hash of a name as a number from 0 to 1."""
    return int.from_bytes(hashlib.sha1(f"{purpose} {name}".encode()).digest()[:8], "big") / 2**64


def _sources(packages: bool) -> Iterator[tuple[str, str]]:
    """Yield the name and the text of each file."""
    seen: set[bytes] = set()
    roots = {
        "stdlib": sysconfig.get_path("stdlib"),
        **({"packages": sysconfig.get_path("purelib")} if packages else {}),
    }
    for kind, root in roots.items():
        for path in sorted(Path(root).rglob("*.py")):
            name = f"{kind}/{path.relative_to(root).as_posix()}"
            if name.startswith(("stdlib/site-packages", "stdlib/dist-packages", "packages/infgram")):
                continue
            try:
                text = path.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError):
                continue
            digest = hashlib.sha1(text.encode()).digest()
            if len(text) >= _FEWEST_CHARACTERS and digest not in seen:
                seen.add(digest)
                yield name, text
