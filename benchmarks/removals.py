"""Measure the time to remove documents from an index.

    python benchmarks/removals.py --tokens 20e6 --folder DISK

The corpus is random text with Zipf's distribution, in documents of 1,000 tokens, and passages that recur. The questions
are the removal of 1, 10 and 1,000 documents, and of one of two equal documents of 50,000 tokens, at random places. An
answer is right if the counts afterwards are those of the remaining documents. Output: one JSON object per row, with the
median and the spread of the times in seconds.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

sys.path.append(
    str(Path(__file__).resolve().parent.parent)
)  # last on the path, so that the installed infgram is imported

import infgram
from benchmarks.machine import describe
from infgram import _core

VOCAB_SIZE = 30_000
LENGTH = 1_000
LONG = 50_000
Document = npt.NDArray[np.uint16]


def main() -> None:
    """Print one row for the machine and one for each removal."""
    options = _options()
    print(json.dumps(describe(None)))
    documents = corpus(int(options.tokens))
    random = np.random.default_rng(2)
    n = len(documents) - 2
    chosen = {f"{k} documents": np.sort(random.choice(n, size=k, replace=False)) for k in (1, 10, 1_000) if k < n}
    chosen["one of two equal documents"] = np.array([n + 1])
    with tempfile.TemporaryDirectory(dir=options.folder, prefix="infgram-removals-") as folder:
        path = Path(folder, "index")
        infgram.build_from_tokens(documents, path, vocab_size=VOCAB_SIZE, shard_tokens=1 << 40).close()
        state = _core.ShardState(next(path.glob("shard-*")))
        for name, removed in chosen.items():
            print(json.dumps(_row(name, state, documents, removed.astype(np.int64), options.repeats)), flush=True)


def corpus(n_tokens: int) -> list[Document]:
    """Return documents of `LENGTH` tokens, then two equal ones of `LONG` tokens."""
    random = np.random.default_rng(1)
    shares = np.cumsum(1 / np.arange(1, VOCAB_SIZE + 1))
    tokens = np.searchsorted(shares / shares[-1], random.random(n_tokens)).astype(np.uint16)
    for _ in range(n_tokens // 5_000):
        source, target = random.integers(0, n_tokens - 2 * LENGTH, size=2)
        size = int(random.integers(50, LENGTH))
        tokens[target : target + size] = tokens[source : source + size].copy()
    long = tokens[: min(LONG, n_tokens)].copy()
    random.shuffle(long)
    return [*np.split(tokens, range(LENGTH, n_tokens, LENGTH)), long, long]


def _row(
    name: str, state: _core.ShardState, documents: list[Document], removed: npt.NDArray[np.int64], repeats: int
) -> dict[str, Any]:
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        n_documents, n_tokens = _core.write_removals(state, removed, 1)
        times.append(time.perf_counter() - began)
    core = _core.Index([_core.ShardState(state.folder, 0, 1)])
    gone = np.concatenate([documents[number] for number in removed])
    counts = np.bincount(np.concatenate(documents), minlength=VOCAB_SIZE) - np.bincount(gone, minlength=VOCAB_SIZE)
    found = core.count_batch([[token] for token in range(VOCAB_SIZE)])
    if n_tokens != len(gone) or n_documents != len(removed) or not np.array_equal(found, counts):
        raise SystemExit(f"{name}: the counts are not those of the remaining documents, so the benchmark is invalid")
    return {
        "question": "removal",
        "removed": name,
        "n_tokens": sum(map(len, documents)),
        "n_removed_tokens": n_tokens,
        "median_s": statistics.median(times),
        "spread_s": max(times) - min(times),
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--tokens", type=float, default=20e6, help="tokens of the corpus (default: 20e6)")
    add("--repeats", type=int, default=5, help="number of runs, of which the median is reported (default: 5)")
    add("--folder", type=Path, help="a folder for the index (default: the temporary folder)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
