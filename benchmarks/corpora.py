"""Token corpora that a benchmark makes itself: real source text, and the inputs that hurt a suffix sorter."""

from __future__ import annotations

import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.uint32]


@dataclass(frozen=True)
class TokenCorpus:
    """Documents of token ids under one name."""

    name: str
    documents: list[Ids]
    vocab_size: int

    @property
    def n_tokens(self) -> int:
        return sum(len(document) for document in self.documents)


def source_texts(max_bytes: int) -> Iterator[str]:
    """Python source: the standard library and what is installed, in a fixed order, without copies."""
    paths = sysconfig.get_paths()
    seen: set[int] = set()
    n_bytes = 0
    for root in dict.fromkeys((paths["stdlib"], paths["purelib"], paths["platlib"])):
        for path in sorted(Path(root).rglob("*.py")):
            try:
                text = path.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError):
                continue
            if hash(text) in seen:
                continue
            seen.add(hash(text))
            n_bytes += len(text)
            yield text
            if n_bytes >= max_bytes:
                return


def hard_corpora(n_tokens: int) -> Iterator[TokenCorpus]:
    """One repeated token, a period, a document copied, a Fibonacci word; and random tokens for comparison."""
    random = np.random.default_rng(1)

    def ids(size: int, n_ids: int = 50_000) -> Ids:
        return random.integers(0, n_ids, size, dtype=np.uint32)

    yield TokenCorpus("random", [ids(n_tokens)], 50_000)
    yield TokenCorpus("one token", [np.zeros(n_tokens, dtype=np.uint32)], 50_000)
    yield TokenCorpus("period of 1,000", [np.tile(ids(1000), n_tokens // 1000)], 50_000)
    page = ids(max(1, n_tokens // 10_000))
    yield TokenCorpus("one document 10,000 times", [page] * 10_000, 50_000)
    first, second = np.zeros(1, dtype=np.uint32), np.array([0, 1], dtype=np.uint32)
    while len(second) < n_tokens:
        first, second = second, np.concatenate([second, first])
    yield TokenCorpus("Fibonacci word", [second[:n_tokens]], 50_000)
