"""The small sound indexes that the tests damage: every token width, format version and kind of tokenizer.

Among them are folders that the package infini-gram made.
"""

from __future__ import annotations

import json
import random
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import infgram
from infgram.files.manifest import FILE_NAME
from tests.building import build_tokens
from tests.infini_gram_folders import write_folder
from tests.strategies import Layout

GOLDEN: Final = Path(__file__).parents[1] / "golden"
WORDS: Final = ("the", "cat", "sat", "on", "a", "mat", "naïve", "für", "∞", "rose", "is", "and", "dog", "ran", "to")


@dataclass(frozen=True)
class Sound:
    """A sound index.

    Attributes:
        path: its folder.
        queries: texts or token ids that occur in it.
        n_documents: the number of its documents.
        files: the names of its files, relative to the folder, sorted.
        tokenizer: that to open it with; None if it has its own, or none.
    """

    path: Path
    queries: tuple[Any, ...]
    n_documents: int
    files: tuple[str, ...]
    tokenizer: str | None = None

    @classmethod
    def at(cls, path: Path, *queries: Any, tokenizer: str | None = None) -> Sound:
        files = sorted(file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file())
        with infgram.open(path, tokenizer=tokenizer) as index:
            return cls(path, queries, index.n_documents, tuple(files), tokenizer)

    @property
    def has_checksums(self) -> bool:
        """Whether infgram made the files; those of infini-gram have none."""
        return FILE_NAME in self.files

    def shows(self, file: str) -> bool:
        """Whether opening or verification finds every change of a file: without checksums, not of text and metadata."""
        return self.has_checksums or Path(file).stem in ("table", "offset")


def sound_indexes(folder: Path) -> dict[str, Sound]:
    """Build the indexes below a folder; the same every time."""
    rng = random.Random(0)
    indexes = {}
    for version in ("v1", "v2", "v3"):
        path = Path(shutil.copytree(GOLDEN / version, folder / version))
        indexes[version] = Sound.at(path, "the cat sat on", "∞ mat")
    corpus = folder / "lang=en" / "corpus.jsonl"
    corpus.parent.mkdir()
    rows = [
        {"text": " ".join(rng.choices(WORDS, k=rng.randrange(60))), "n": number, "tags": ["x", {"deep": number % 3}]}
        for number in range(60)
    ]
    corpus.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    for name, tokenizer in (("bytes", "bytes"), ("huggingface", "bpe:300")):
        infgram.build(folder, folder / name, tokenizer=tokenizer, include="*.jsonl", shard_tokens=3000).close()
        indexes[name] = Sound.at(folder / name, "the cat sat on", "für a rose", " is the naïve mat")
    for width in (8, 16, 32):
        # Twelve continuations of one token are stored; the other tokens are rare.
        vocab_size = {8: 255, 16: 1000, 32: 70_000}[width]
        documents = [
            [token for _ in range(40) for token in (1, rng.randrange(12), vocab_size - 1 - rng.randrange(3))]
            for _ in range(60)
        ]
        build_tokens(documents, folder / f"ids{width}", vocab_size=vocab_size, layout=Layout(width, 2, 1)).close()
        indexes[f"ids{width}"] = Sound.at(folder / f"ids{width}", [1, 3, vocab_size - 1, 1], [1], documents[0][:9])
        name, metadata = f"ids{width} of infini-gram", None if width == 16 else documents[:20]
        n_shards, layout = (1 if width == 16 else 2), (6 if width == 32 else 4)
        write_folder(folder / name, documents[:20], width, n_shards, layout, metadata)
        indexes[name] = Sound.at(folder / name, [1, 3, vocab_size - 1, 1], [1], documents[0][:9])
    name, texts = "bytes of infini-gram", [str(row["text"]).encode() for row in rows[:20]]
    write_folder(folder / name, [list(text) for text in texts], 8, 2, metadata=[{"n": row["n"]} for row in rows[:20]])
    indexes[name] = Sound.at(folder / name, "the cat sat on", "für a rose", " is the naïve mat", tokenizer="bytes")
    return indexes
