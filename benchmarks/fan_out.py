"""Measure the latency of queries to shards on a Ray cluster, relative to direct queries of the same index.

    python benchmarks/fan_out.py                              one minute: source code of this machine, in 8 shards
    python benchmarks/fan_out.py CORPUS.infgram               an index of 8 shards or more
    python benchmarks/fan_out.py --record FOLDER

A cluster of two nodes runs on this machine, over its loopback interface. The index is deployed twice: with one owner
for each of 8 groups of shards, and with one owner per node. Results are verified before they are timed. Requires the
extra ray.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

sys.path.append(
    str(Path(__file__).resolve().parent.parent)
)  # last on the path, so that the installed infgram is imported

import infgram
from benchmarks.corpora import source_texts, write_texts
from benchmarks.machine import describe
from benchmarks.report import Row, in_words, write_record
from infgram.cluster import deploy, undeploy
from tests.cluster.nodes import cluster_of

N_SHARDS: Final = 8
N_CALLS: Final = 1_000
BATCH: Final = 1_000
WANTED_MS: Final = 3.0

Question = Callable[[Any, list[int]], Any]
QUESTIONS: Final[dict[str, Question]] = {
    "count": lambda index, tokens: index.count(tokens),
    "∞-gram": lambda index, tokens: index.infgram_distribution(tokens, top_k=10).counts.tolist(),
    "score": lambda index, tokens: index.score(tokens).continuation_counts.tolist(),
}


def main() -> None:
    """Parse the options, print the results, and write the record if requested."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("index", nargs="?", type=Path, help="an index of 8 shards or more (default: build one)")
    parser.add_argument("--characters", type=float, default=40e6, help="tokens of the generated corpus (default: 40e6)")
    parser.add_argument(
        "--record", type=Path, metavar="FOLDER", help="write fan_out.json and fan_out.md to this folder"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="infgram-fan-out-") as folder:
        path = options.index or _made(Path(folder), int(options.characters))
        with infgram.open(path, load="warm") as index:
            rows: list[Row] = [{**describe(None), "n_tokens": index.n_tokens, "n_shards": index.n_shards}]
            print(json.dumps(rows[0]), flush=True)
            with cluster_of(2):
                for n_owners in (N_SHARDS, 2):
                    for row in _rows(path, index, n_owners):
                        rows.append(row)
                        print(in_words(row), flush=True)
    if options.record:
        write_record(options.record, "fan_out", "Queries of shards on a cluster", rows)


def _rows(path: Path, index: infgram.Index, n_owners: int) -> Iterator[Row]:
    deploy(str(path.resolve()), "bench", groups=n_owners)
    try:
        with infgram.open("ray:///bench") as spread:
            contexts = _contexts(index)
            for name, question in QUESTIONS.items():
                direct, through = _times_ms(question, index, spread, contexts)
                yield {
                    "question": "fan_out",
                    "what": name,
                    "owners": n_owners,
                    "shards": index.n_shards,
                    "direct_p50_ms": float(np.quantile(direct, 0.5)),
                    "p50_ms": float(np.quantile(through, 0.5)),
                    "p99_ms": float(np.quantile(through, 0.99)),
                    "overhead_p50_ms": float(np.quantile(through, 0.5) - np.quantile(direct, 0.5)),
                    "wanted_ms": WANTED_MS,
                }
            yield _batch_row(index, spread, contexts, n_owners)
    finally:
        undeploy("bench")


def _times_ms(
    question: Question, index: infgram.Index, spread: infgram.Index, contexts: Sequence[list[int]]
) -> tuple[list[float], list[float]]:
    """Alternate direct and cluster queries; the results must be equal."""
    direct, through = [], []
    for number, context in enumerate(contexts):
        began = time.perf_counter()
        expected = question(index, context)
        between = time.perf_counter()
        found = question(spread, context)
        ended = time.perf_counter()
        if found != expected:
            raise SystemExit(f"wrong answer for {context}: {found}, expected {expected}")
        if number >= len(contexts) // 10:  # the first queries open connections
            direct.append((between - began) * 1e3)
            through.append((ended - between) * 1e3)
    return direct, through


def _batch_row(index: infgram.Index, spread: infgram.Index, contexts: Sequence[list[int]], n_owners: int) -> Row:
    patterns = [context[-4:] for context in contexts[:BATCH]]
    expected = index.count_batch(patterns).tolist()
    times = []
    for _ in range(20):
        began = time.perf_counter()
        found = spread.count_batch(patterns)
        times.append((time.perf_counter() - began) * 1e3)
        if found.tolist() != expected:
            raise SystemExit("wrong counts of a batch")
    return {
        "question": "fan_out_batch",
        "owners": n_owners,
        "patterns": len(patterns),
        "p50_ms": float(np.median(times)),
    }


def _contexts(index: infgram.Index) -> list[list[int]]:
    """Return patterns: half occur in the corpus, and half have one altered token."""
    chance = random.Random(7)
    contexts: list[list[int]] = []
    while len(contexts) < N_CALLS:
        tokens = index.document_tokens(chance.randrange(index.n_documents)).tolist()
        if len(tokens) < 40:
            continue
        begin = chance.randrange(len(tokens) - 32)
        context = tokens[begin : begin + 32]
        if len(contexts) % 2:
            context[chance.randrange(32)] = chance.randrange(index.vocab_size)
        contexts.append(context)
    return contexts


def _made(folder: Path, n_characters: int) -> Path:
    """Build an index of the source code on this machine with `N_SHARDS` shards."""
    texts = write_texts(source_texts([]), folder / "texts.jsonl.zst", n_characters)
    whole = folder / "whole.infgram"
    with infgram.build(texts, whole, tokenizer="bpe") as index:
        shard_tokens = -(-index.n_tokens // N_SHARDS)
    path = folder / "corpus.infgram"
    infgram.build(texts, path, tokenizer=whole / "tokenizer", shard_tokens=shard_tokens).close()
    return path


if __name__ == "__main__":
    main()
