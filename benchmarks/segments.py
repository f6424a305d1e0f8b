"""Measure what changes of an index cost its queries: several segments and deleted documents, against a compacted index.

    python benchmarks/segments.py IDS.npy LENGTHS.npy --segments 10 --deleted 0.01 --folder DISK --record FOLDER

IDS.npy contains the concatenated token ids of all documents (uint16), LENGTHS.npy the number of tokens of each
document. Equal parts of the corpus are added one after the other, and documents chosen at random are deleted. A copy is
compacted. The questions are counts of 1 to 10 tokens, half of them altered, and the longest suffix of 100 tokens of
other documents. Both indexes give the same answers, which are checked first; counts are also checked against a scan of
the remaining documents. They are timed in turns. Output: one JSON object per row, with medians in microseconds.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

sys.path.append(
    str(Path(__file__).resolve().parent.parent)
)  # last on the path, so that the installed infgram is imported

import infgram
from benchmarks.machine import describe
from benchmarks.queries import VOCAB_SIZE, Corpus, Tokens, occurrences
from benchmarks.report import Row, write_record

N_SCANNED = 20
N_QUERIES = 2_000
CONTEXT_TOKENS = 100


def main() -> None:
    """Print one row for the machine, and one for each question."""
    options = _options()
    rows: list[Row] = [describe(None)]
    corpus = Corpus(np.load(options.ids, mmap_mode="r"), np.load(options.lengths), int(options.tokens))
    with tempfile.TemporaryDirectory(dir=options.folder, prefix="infgram-segments-") as folder:
        changed, compacted = Path(folder, "changed"), Path(folder, "compacted")
        removed, cost = _change(corpus, changed, options.segments, options.deleted)
        shutil.copytree(changed, compacted)
        began = time.perf_counter()
        infgram.compact(compacted)
        rows.append({"question": "changes", **cost, "compact_s": time.perf_counter() - began})
        with infgram.open(changed) as many, infgram.open(compacted) as one:
            for name, queries, ask in _questions(corpus):
                _check(name, queries, ask, many, one)
                if name == "count":
                    _scan(corpus, set(removed), queries, many)
                rows.append(_timed(name, queries, ask, many, one, options.repeats))
    for row in rows:
        print(json.dumps(row), flush=True)
    if options.record:
        write_record(options.record, "segments", "Queries to an index that was changed", rows)


def _change(corpus: Corpus, path: Path, n_segments: int, share: float) -> tuple[list[int], Row]:
    """Build the first part, add the others, and delete documents; return their numbers, and times in seconds."""
    documents = list(corpus.documents())
    bounds = np.linspace(0, len(documents), n_segments + 1).astype(int).tolist()
    infgram.build_from_tokens(documents[: bounds[1]], path, vocab_size=VOCAB_SIZE).close()
    began = time.perf_counter()
    for begin, end in pairwise(bounds[1:]):
        infgram.add_from_tokens(path, documents[begin:end])
    added = time.perf_counter()
    chosen = np.random.default_rng(3).choice(len(documents), max(1, round(share * len(documents))), replace=False)
    removed = sorted(chosen.tolist())
    infgram.delete(path, documents=removed)
    return removed, {
        "n_tokens": corpus.n_tokens,
        "n_segments": n_segments,
        "n_deleted_documents": len(removed),
        "n_deleted_tokens": sum(len(documents[number]) for number in removed),
        "add_s": added - began,
        "delete_s": time.perf_counter() - added,
    }


Ask = Callable[[infgram.Index, Tokens], object]


def _questions(corpus: Corpus) -> list[tuple[str, list[Tokens], Ask]]:
    contexts = corpus.pieces(CONTEXT_TOKENS, N_QUERIES)
    return [
        ("count", corpus.patterns(N_QUERIES), lambda index, tokens: index.count(tokens)),
        ("∞-gram", contexts, lambda index, tokens: index.longest_suffix(tokens)),
        ("∞-gram distribution, top 10", contexts, lambda index, tokens: _top(index, tokens)),
    ]


def _top(index: infgram.Index, tokens: Tokens) -> tuple[int, list[int], list[int]]:
    found = index.infgram_distribution(tokens, top_k=10)
    return found.suffix_length, found.token_ids.tolist(), found.counts.tolist()


def _check(name: str, queries: Sequence[Tokens], ask: Ask, many: infgram.Index, one: infgram.Index) -> None:
    for tokens in queries:
        if ask(many, tokens) != ask(one, tokens):
            raise SystemExit(f"{name}: the answers to {tokens} differ, so the benchmark is invalid")


def _scan(corpus: Corpus, removed: set[int], queries: Sequence[Tokens], index: infgram.Index) -> None:
    kept = [document for number, document in enumerate(corpus.documents()) if number not in removed]
    for tokens in queries[:N_SCANNED]:
        if index.count(tokens) != sum(occurrences(document, tokens) for document in kept):
            raise SystemExit(f"count: the answer to {tokens} is wrong, so the benchmark is invalid")


def _timed(
    name: str, queries: Sequence[Tokens], ask: Ask, many: infgram.Index, one: infgram.Index, repeats: int
) -> dict[str, Any]:
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(repeats):
        for index, runs in zip((many, one), times, strict=True):
            took = []
            for tokens in queries:
                began = time.perf_counter()
                ask(index, tokens)
                took.append(time.perf_counter() - began)
            runs.append(statistics.median(took) * 1e6)
    changed, compacted = map(statistics.median, times)
    return {
        "question": "segments",
        "query": name,
        "changed_us": changed,
        "compacted_us": compacted,
        "ratio": changed / compacted,
        "ratios": [a / b for a, b in zip(*times, strict=True)],
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("ids", type=Path, help="token ids of all documents, uint16")
    add("lengths", type=Path, help="the number of tokens of each document")
    add("--tokens", type=float, default=1e9, help="the maximum size of the corpus (default: all of it)")
    add("--segments", type=int, default=10, help="the number of parts (default: 10)")
    add("--deleted", type=float, default=0.01, help="the share of deleted documents (default: 0.01)")
    add("--repeats", type=int, default=5, help="number of runs, of which the median is reported (default: 5)")
    add("--folder", type=Path, help="a folder for the indexes (default: the temporary folder)")
    add("--record", type=Path, help="a folder for the record")
    return parser.parse_args()


if __name__ == "__main__":
    main()
