"""Measure the time to find all duplicates, relative to sorting the suffixes of the same tokens.

    python benchmarks/dedup.py IDS.npy LENGTHS.npy --tokens 100e6 --shards 1 4 --folder DISK

IDS.npy contains the concatenated token ids of all documents (below 65,535), LENGTHS.npy the number of tokens of each
document. If the corpus is smaller than --tokens, a copy with altered ids is appended, which has the same repeats and
shares none with the original. A separate process builds the index in the folder, with the same number of threads that
then find duplicates. The duplicates are verified first, token by token, against hashes of all windows of the text.
Output: one JSON object per row.
"""

from __future__ import annotations

import argparse
import json
import os
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
from benchmarks.corpora import SEPARATOR, Tokens, cut, separated
from benchmarks.machine import describe
from benchmarks.measuring import run

Flags = npt.NDArray[np.bool_]

_OURS = Path(__file__).with_name("ours.py")


def main() -> None:
    """Print one row for the machine and one for each number of shards."""
    options = _options()
    print(json.dumps(describe(None)))
    ids, lengths = np.load(options.ids), np.load(options.lengths)
    tokens = _corpus(separated(ids, lengths), int(options.tokens))
    expected = duplicate_tokens(tokens, options.min_tokens)
    with tempfile.TemporaryDirectory(dir=options.folder, prefix="infgram-dedup-") as folder:
        np.save(Path(folder, "tokens.npy"), tokens)
        for shards in options.shards:
            print(json.dumps(_row(Path(folder), tokens, expected, shards, options)), flush=True)


def duplicate_tokens(tokens: Tokens, min_tokens: int) -> Flags:
    """Return which tokens lie in a window of `min_tokens` that occurs earlier, by 64-bit hashes of all windows."""
    n_windows = len(tokens) - min_tokens + 1
    flags: Flags = np.zeros(len(tokens), dtype=np.bool_)
    if n_windows <= 0:
        return flags
    _, firsts, groups = np.unique(_hashes(tokens, min_tokens), return_index=True, return_inverse=True)
    is_repeated = firsts[groups] != np.arange(n_windows)
    separators = np.concatenate(([0], np.cumsum(tokens == SEPARATOR)))
    starts = np.flatnonzero(is_repeated & (separators[min_tokens:] == separators[:-min_tokens]))
    borders = np.zeros(len(tokens) + 1, dtype=np.int64)
    np.add.at(borders, starts, 1)
    np.add.at(borders, starts + min_tokens, -1)
    flags[:] = np.cumsum(borders[:-1]) > 0
    return flags


def _hashes(tokens: Tokens, min_tokens: int) -> npt.NDArray[np.uint64]:
    """Return a polynomial hash of each window, composed from windows whose lengths are powers of two."""
    random = np.random.default_rng(7)
    factor = int(random.integers(1 << 63)) * 2 + 1
    power = random.integers(1 << 64, size=SEPARATOR + 1, dtype=np.uint64)[tokens]  # windows of 2^i tokens
    hashes, n_hashed = np.zeros(len(tokens), dtype=np.uint64), 0
    for i in range(min_tokens.bit_length()):
        if min_tokens >> i & 1:
            n_left = len(tokens) - n_hashed - (1 << i) + 1
            hashes = hashes[:n_left] * np.uint64(pow(factor, 1 << i, 1 << 64)) + power[n_hashed : n_hashed + n_left]
            n_hashed += 1 << i
        n_power = max(0, len(power) - (1 << i))
        power = power[:n_power] * np.uint64(pow(factor, 1 << i, 1 << 64)) + power[len(power) - n_power :]
    return hashes


def _corpus(tokens: Tokens, n_tokens: int) -> Tokens:
    """Return `n_tokens` tokens, extended with altered copies if necessary."""
    parts, total, n_copies = [tokens], len(tokens), 0
    while total < n_tokens:
        n_copies += 1
        altered = (tokens.astype(np.int64) + 3001 * n_copies) % SEPARATOR
        parts.append(np.where(tokens == SEPARATOR, SEPARATOR, altered).astype(np.uint16))
        total += len(tokens)
    return cut(np.concatenate(parts), n_tokens)


def _row(folder: Path, tokens: Tokens, expected: Flags, shards: int, options: argparse.Namespace) -> dict[str, Any]:
    output = folder / "index"
    job = {"source": str(folder / "tokens.npy"), "output": str(output), "threads": options.threads}
    job["shard_tokens"] = len(tokens) // shards + 1
    built = json.loads(run([sys.executable, str(_OURS), json.dumps(job)], folder).lines[-1][1])
    times = []
    with infgram.open(output, load="warm") as index:
        for _ in range(options.repeats):
            began = time.perf_counter()
            found = infgram.dedup(index, min_tokens=options.min_tokens, threads=options.threads)
            times.append(time.perf_counter() - began)
        if not np.array_equal(_flags(found, tokens), expected):
            raise SystemExit("the duplicates differ from those of the hashes, so the benchmark is invalid")
        totals = found.totals
        dedup_s, sort_s = statistics.median(times), built["sort_s"]
        return {
            "question": "dedup",
            "threads": options.threads,
            "shards": index.n_shards,
            "min_tokens": options.min_tokens,
            **totals._asdict(),
            "dedup_ns_per_token": dedup_s / totals.n_tokens * 1e9,
            "spread_ns": (max(times) - min(times)) / totals.n_tokens * 1e9,
            "sort_ns_per_token": sort_s / totals.n_tokens * 1e9,
            "dedup_over_sort": dedup_s / sort_s,
        }


def _flags(found: infgram.Duplicates, tokens: Tokens) -> Flags:
    """Return which tokens are duplicate; a document has the number of its separator."""
    starts = np.concatenate(([0], np.flatnonzero(tokens == SEPARATOR) + 1))
    flags: Flags = np.zeros(len(tokens), dtype=np.bool_)
    for document_id, spans in found:
        for start, end in (spans + starts[document_id]).tolist():
            flags[start:end] = True
    return flags


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("ids", type=Path, help="token ids, NumPy's .npy")
    add("lengths", type=Path, help="tokens of each document, .npy")
    add("--tokens", type=float, default=100e6, help="tokens of the corpus (default: 100e6)")
    add("--min-tokens", type=int, default=50, help="minimum length of a duplicate in tokens (default: 50)")
    add("--shards", type=int, nargs="+", default=[1], help="number of shards (default: 1)")
    add("--threads", type=int, default=len(os.sched_getaffinity(0)), help="number of threads (default: all cores)")
    add("--repeats", type=int, default=3, help="number of runs, of which the median is reported (default: 3)")
    add("--folder", type=Path, help="a folder for the index (default: the temporary folder)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
