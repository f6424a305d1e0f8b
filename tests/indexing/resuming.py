"""Interrupted builds and conversions, and comparisons of their results."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import infgram
from tests.infini_gram_folders import write_folder

OPTIONS: dict[str, Any] = {"tokenizer": "bpe:400", "shard_tokens": 4_000, "threads": 2, "on_error": "skip"}
"""Several shards, a tokenizer to be trained, and a line that is left out."""


def write_corpus(path: Path, n_documents: int = 300) -> Path:
    """Write the same JSON lines with metadata every time; one line is invalid."""
    numbers = random.Random(7)
    words = ["".join(numbers.choices("abcdeé ", k=numbers.randint(1, 7))) for _ in range(200)]
    rows: list[dict[str, Any]] = [
        {"text": " ".join(numbers.choices(words, k=numbers.randint(0, 80))), "number": number}
        for number in range(n_documents)
    ]
    rows.insert(n_documents // 3, {"text": None})
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def write_infini_gram(corpus: Path, folder: Path, n_documents: int = 60) -> None:
    """Write the bytes of the first texts of a corpus, with metadata, as an index of infini-gram in two shards."""
    lines = corpus.read_text(encoding="utf-8").splitlines()[:n_documents]
    texts = [json.loads(line)["text"] or "" for line in lines]
    metadata = [{"number": number} for number in range(len(texts))]
    write_folder(folder, [list(text.encode()) for text in texts], 8, n_shards=2, metadata=metadata)


def content(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder, by its relative path."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def check_whole_or_absent(output: Path) -> bool:
    """Return whether there is an index; if there is one, check that it is intact."""
    if not output.exists():
        return False
    with infgram.open(output) as index:
        index.verify()
    return True
