"""Measure queries of passages copied from the corpus, of several lengths and periods, relative to ordinary text.

    python benchmarks/copies.py --tokens 10e6 --folder DISK --record FOLDER

The corpus is generated: random tokens with the frequencies of words, and one document of 200,000 tokens for each kind
of repetition. Queries use one thread. Times are processor time, the minimum of several runs, to reduce the influence
of other processes. Lengths and counts are verified at 200 positions with separate counts.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

sys.path.append(
    str(Path(__file__).resolve().parent.parent)
)  # last on the path, so that the installed infgram is imported

import infgram
from benchmarks.machine import describe
from benchmarks.report import Row, in_words, write_record
from infgram.types import Int64Array

_VOCABULARY: Final = 50_000
_COPY: Final = 200_000  # tokens
_CHECKED: Final = 200  # positions


def main() -> None:
    """Parse the options, print the rows, and write the record if requested."""
    options = _options()
    rows: list[Row] = [describe(None)]
    text = _ordinary(1, int(options.tokens))
    copies = {f"period {period:,}": np.resize(_ordinary(period, period), _COPY) for period in (1, 2, 100, 1000)}
    copies["a Fibonacci word"] = _fibonacci(_COPY)
    with tempfile.TemporaryDirectory(dir=options.folder, prefix="infgram-copies-") as folder:
        documents = [text, *copies.values()]
        with infgram.build_from_tokens(documents, Path(folder, "x.infgram"), vocab_size=_VOCABULARY) as index:
            for row in _rows(index, text, copies, options.repeats):
                rows.append(row)
                print(in_words(row), flush=True)
    if options.record:
        write_record(options.record, "copies", "Passages copied from the corpus", rows)


def _rows(index: infgram.Index, text: Int64Array, copies: dict[str, Int64Array], repeats: int) -> Iterator[Row]:
    sequences = {"ordinary text": _ordinary(2, _COPY)}
    lengths = (1_000, 10_000, _COPY)
    sequences |= {f"a copy of {length:,}": text[len(text) // 2 :][:length] for length in lengths}
    sequences |= {f"a copy of {length:,}, {name}": copy[:length] for name, copy in copies.items() for length in lengths}
    sequences |= {f"twice a copy, {name}": np.tile(copy, 2) for name, copy in copies.items()}
    for asked in ("longest_matches", "score"):
        ordinary = 0.0
        for name, tokens in sequences.items():
            (_check_matches if asked == "longest_matches" else _check_score)(index, tokens)
            us = min(_us_per_token(index, asked, tokens) for _ in range(repeats))
            ordinary = ordinary or us
            yield {
                "question": "copies",
                "asked": asked,
                "input": name,
                "n_tokens": len(tokens),
                "us_per_token": round(us, 3),
                "times_ordinary": round(us / ordinary, 2),
            }


def _us_per_token(index: infgram.Index, asked: str, tokens: Int64Array) -> float:
    question = index.longest_matches if asked == "longest_matches" else index.score
    n_times = max(1, 100_000 // len(tokens))
    began = time.process_time()
    for _ in range(n_times):
        question(tokens)
    return (time.process_time() - began) / n_times / len(tokens) * 1e6


def _check_matches(index: infgram.Index, tokens: Int64Array) -> None:
    matches = index.longest_matches(tokens)
    for i in np.linspace(0, len(tokens) - 1, _CHECKED).astype(int).tolist():
        end = i + int(matches.lengths[i])
        is_right = index.count(tokens[i:end]) == matches.counts[i]
        if not is_right or (end < len(tokens) and index.count(tokens[i : end + 1]) > 0):
            raise SystemExit(f"the longest match at {i} is wrong")


def _check_score(index: infgram.Index, tokens: Int64Array) -> None:
    score = index.score(tokens)
    for t in np.linspace(1, len(tokens) - 1, _CHECKED).astype(int).tolist():
        begin = t - int(score.suffix_lengths[t])
        is_right = begin == t or index.count(tokens[begin:t]) == score.context_counts[t]
        is_right = is_right and index.count(tokens[begin : t + 1]) == score.continuation_counts[t]
        if not is_right or (begin > 0 and index.count(tokens[begin - 1 : t]) > 0):
            raise SystemExit(f"the score at {t} is wrong")


def _ordinary(seed: int, size: int) -> Int64Array:
    """Return random tokens with the frequency distribution of words."""
    drawn = np.random.default_rng(seed).pareto(1.1, size) * 20
    return np.minimum(drawn, _VOCABULARY - 1).astype(np.int64)


def _fibonacci(size: int) -> Int64Array:
    before, word = np.array([7]), np.array([7, 9])
    while len(word) < size:
        before, word = word, np.concatenate([word, before])
    return word[:size].astype(np.int64)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--tokens", type=float, default=10e6, help="tokens of ordinary text in the corpus (default: 10e6)"
    )
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument(
        "--folder", type=Path, default=None, help="a folder for the index (default: the temporary folder)"
    )
    parser.add_argument("--record", type=Path, default=None, help="write copies.json and copies.md to this folder")
    return parser.parse_args()


if __name__ == "__main__":
    main()
