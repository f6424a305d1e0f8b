"""What does it cost to ask shards on a Ray cluster instead of on one machine? Over a direct query to the same index.

    python benchmarks/fan_out.py                              a minute: source code of this machine, in 8 shards
    python benchmarks/fan_out.py CORPUS.infgram               an index of 8 shards or more
    python benchmarks/fan_out.py --record FOLDER

A cluster of two nodes runs on this machine, over its loopback interface. The index is spread over it twice: an owner
for each of 8 groups of shards, and one a node. Answers are checked before a time counts. Needs the extra ray.
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

sys.path.append(str(Path(__file__).resolve().parent.parent))  # last, so that infgram is the installed one

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
    """Parse the options, print the answers and, if asked, write the record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("index", nargs="?", type=Path, help="of 8 shards or more (default: one is made)")
    parser.add_argument("--characters", type=float, default=40e6, help="of the corpus that is made (default: 40e6)")
    parser.add_argument("--record", type=Path, metavar="FOLDER", help="write fan_out.json and fan_out.md there")
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
        write_record(options.record, "fan_out", "Asking shards on a cluster", rows)


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
    """Direct and through the cluster, in turns; the answers must be equal."""
    direct, through = [], []
    for number, context in enumerate(contexts):
        began = time.perf_counter()
        expected = question(index, context)
        between = time.perf_counter()
        found = question(spread, context)
        ended = time.perf_counter()
        if found != expected:
            raise SystemExit(f"wrong answer for {context}: {found}, expected {expected}")
        if number >= len(contexts) // 10:  # the first ones open what is behind the names
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
    """Half stand in the corpus, half have one token altered."""
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
    """Source code of this machine in `N_SHARDS` shards."""
    texts = write_texts(source_texts([]), folder / "texts.jsonl.zst", n_characters)
    whole = folder / "whole.infgram"
    with infgram.build(texts, whole, tokenizer="bpe") as index:
        shard_tokens = -(-index.n_tokens // N_SHARDS)
    path = folder / "corpus.infgram"
    infgram.build(texts, path, tokenizer=whole / "tokenizer", shard_tokens=shard_tokens).close()
    return path


if __name__ == "__main__":
    main()
