"""Difficult corpora, and the options with which they are built."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.indexing.resuming import OPTIONS, write_corpus

Options = dict[str, Any]


def one_file(folder: Path) -> Options:
    """A file with metadata and a skipped line."""
    write_corpus(folder / "corpus.jsonl")
    return {key: OPTIONS[key] for key in ("tokenizer", "shard_tokens", "on_error")}


def many_files(folder: Path) -> Options:
    """Several formats, two files without documents, and a truncated one."""
    numbers = random.Random(3)
    for number in range(7):
        rows = [{"text": "".join(numbers.choices("abc é", k=numbers.randint(0, 60))), "n": n} for n in range(40)]
        lines = "".join(json.dumps(row) + "\n" for row in rows).encode()
        if number % 2:
            (folder / f"{number}.jsonl").write_bytes(lines)
        else:
            (folder / f"{number}.jsonl.gz").write_bytes(gzip.compress(lines)[: -9 if number == 4 else None])
    (folder / "5a.jsonl").write_bytes(b"")
    (folder / "5b.jsonl").write_bytes(b"no JSON\n[]\n")
    (folder / "sub").mkdir()
    (folder / "sub" / "text.txt").write_text("a text of its own")
    return {"tokenizer": "bytes", "shard_tokens": 700, "on_error": "skip"}


def empty_documents(folder: Path) -> Options:
    """Empty documents at the beginning, at the end, and wherever a shard is full."""
    texts = ["", "", "abcde", "", "fghij", "", "", "k", "lmno", "", *[""] * 3, "abcdefghijklm", "", ""]
    for number, part in enumerate((texts[:4], texts[4:9], texts[9:], ["", ""])):
        (folder / f"{number}.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in part))
    return {"tokenizer": "bytes", "shard_tokens": 5}


def nothing_but_empty_documents(folder: Path) -> Options:
    """A shard without tokens."""
    (folder / "a.jsonl").write_text('{"text": ""}\n' * 5)
    return {"tokenizer": "bytes", "shard_tokens": 5}


def wide_tokens(folder: Path) -> Options:
    """A vocabulary that needs more than 16 bits."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    model = models.WordLevel({"?": 0, **{f"w{number}": number for number in range(1, 70_000)}}, unk_token="?")
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(folder.parent / "words.json"))
    numbers = random.Random(5)
    for number in range(3):
        texts = [" ".join(f"w{numbers.randrange(70_500)}" for _ in range(50)) for _ in range(20)]
        (folder / f"{number}.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    return {"tokenizer": str(folder.parent / "words.json"), "shard_tokens": 800}


def one_shard(folder: Path) -> Options:
    """Everything in one shard, and another text field."""
    (folder / "a.jsonl").write_text('{"content": "to be or not to be", "text": 1}\n' * 50)
    (folder / "b.jsonl").write_text('{"content": "that is the question"}\n' * 50)
    return {"tokenizer": "bpe:300", "text_field": "content"}


CORPORA: dict[str, Callable[[Path], Options]] = {
    make.__name__: make
    for make in (one_file, many_files, empty_documents, nothing_but_empty_documents, wide_tokens, one_shard)
}
