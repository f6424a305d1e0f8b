"""Token corpora for benchmarks, from given files or from the source code on this machine.

A corpus is one array of 16-bit token ids, each document followed by `SEPARATOR`.
"""

from __future__ import annotations

import json
import sys
import sysconfig
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from infgram.corpus import Corpus
from infgram.tokenizers import Tokenizer, bulk_encoder

Tokens: TypeAlias = npt.NDArray[np.uint16]

SEPARATOR: Final = 0xFFFF
_BATCH_CHARACTERS: Final = 4 << 20
_LONGEST_SOURCE: Final = 5 << 20  # bytes; longer files are data
_SOURCE_SUFFIXES: Final = (
    ".c",
    ".cc",
    ".cpp",
    ".go",
    ".h",
    ".hpp",
    ".java",
    ".js",
    ".md",
    ".pm",
    ".py",
    ".pyi",
    ".rs",
    ".ts",
)


def texts_of(inputs: Sequence[str]) -> Iterator[str]:
    """Return the texts of the documents in files and folders."""
    return (document.text for document in Corpus(list(inputs), on_error="skip").documents())


def source_texts(folders: Sequence[str] = ()) -> Iterator[str]:
    """Return distinct source files of the given folders, of Python, and of its installed packages."""
    paths = sysconfig.get_paths()
    own = (paths["stdlib"], paths["purelib"], paths["platlib"], paths["include"], "/usr/include")
    seen: set[int] = set()
    for root in dict.fromkeys((*folders, *own)):
        for path in sorted(Path(root).rglob("*")):
            text = _source(path)
            if text and hash(text) not in seen:
                seen.add(hash(text))
                yield text


def _source(path: Path) -> str:
    try:
        if path.suffix in _SOURCE_SUFFIXES and path.is_file() and path.stat().st_size <= _LONGEST_SOURCE:
            return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        pass
    return ""


def mixed(books: Iterable[str], source: Iterable[str], tokenizer: Tokenizer, n_tokens: int) -> Tokens:
    """Return up to `n_tokens` tokens, half from books and half from source code if both have enough."""
    first = encoded(books, tokenizer, n_tokens // 2)
    return np.concatenate([first, encoded(source, tokenizer, n_tokens - len(first))])


def encoded(texts: Iterable[str], tokenizer: Tokenizer, n_tokens: int) -> Tokens:
    """Return the first `n_tokens` tokens of the texts."""
    parts: list[Tokens] = [np.empty(0, dtype=np.uint16)]
    total, encode = 0, None
    for batch in _batches(texts):
        encode = encode or bulk_encoder(tokenizer, [text[:8192] for text in batch[:64]], 1)
        token_ids, lengths = encode(batch)
        if token_ids.size and int(token_ids.max()) >= SEPARATOR:
            raise SystemExit("the benchmark requires a tokenizer with ids below 65,535, such as GPT-2's")
        parts.append(separated(token_ids, lengths))
        total += len(parts[-1])
        if total >= n_tokens:
            break
    return cut(np.concatenate(parts), n_tokens)


def separated(token_ids: npt.NDArray[np.unsignedinteger], lengths: npt.NDArray[np.int64]) -> Tokens:
    """Concatenate token ids, with a separator after each document."""
    tokens: Tokens = np.insert(token_ids.astype(np.uint16), np.cumsum(lengths), SEPARATOR)
    return tokens


def hard_corpora(ordinary: Tokens) -> dict[str, Callable[[], Tokens]]:
    """Return hard inputs for a suffix sorter, with the length and the tokens of the ordinary one."""
    n_tokens = len(ordinary)
    text = ordinary[ordinary != SEPARATOR]

    def fibonacci() -> Tokens:
        first, second = np.zeros(1, dtype=np.uint16), np.array([0, 1], dtype=np.uint16)
        while len(second) < n_tokens:
            first, second = second, np.concatenate([second, first])
        return second

    def copies() -> Tokens:
        page = np.append(text[: max(1, n_tokens // 10_000)], np.uint16(SEPARATOR))
        return np.tile(page, 10_000)

    return {
        "one repeated token": lambda: np.zeros(n_tokens, dtype=np.uint16),
        "a period of 1,000": lambda: np.tile(text[:1000], 1 + n_tokens // 1000)[:n_tokens],
        "one document 10,000 times": copies,
        "a Fibonacci word": lambda: cut(fibonacci(), n_tokens),
    }


def write_texts(texts: Iterable[str], path: Path, n_bytes: int) -> Path:
    """Write texts to a `.jsonl.zst` file until it has the given number of bytes of text."""
    path.parent.mkdir(exist_ok=True)
    zstd = import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")
    with zstd.open(path, "wt", encoding="utf-8") as file:
        for text in texts:
            file.write(json.dumps({"text": text}) + "\n")
            n_bytes -= len(text.encode())
            if n_bytes <= 0:
                break
    return path


def cut(tokens: Tokens, n_tokens: int) -> Tokens:
    """Return the first tokens, with the last one replaced by a separator."""
    first: Tokens = tokens[:n_tokens].copy()
    if len(first):
        first[-1] = SEPARATOR
    return first


def _batches(texts: Iterable[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    n_characters = 0
    for text in texts:
        batch.append(text)
        n_characters += len(text)
        if n_characters >= _BATCH_CHARACTERS:
            yield batch
            batch, n_characters = [], 0
    if batch:
        yield batch
