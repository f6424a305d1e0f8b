"""Measure queries to the files of infini-gram: through infgram in place, through infini-gram, and converted.

    python benchmarks/infini_gram_folders.py IDS.npy LENGTHS.npy --tokens 20e6 --folder DISK --output FILE.json

The arguments are those of `queries.py`, whose corpus, indexes and query sets this benchmark shares. The answers are
compared before they are timed. The three are measured in turns, so that the load of the machine affects all of them,
with one thread; infini-gram with the faster of its two settings. Output: JSON with times in microseconds, and ratios.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import numpy as np

sys.path.append(
    str(Path(__file__).resolve().parent.parent)
)  # last on the path, so that the installed infgram is imported

import infgram
from benchmarks.machine import describe
from benchmarks.queries import VOCAB_SIZE, Ask, Corpus, Tokens, build_ours, build_rival, open_rivals, times_us

_ROUNDS: Final = 5


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ids", type=Path)
    parser.add_argument("lengths", type=Path)
    parser.add_argument("--tokens", type=float, default=20e6)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    given = parser.parse_args()
    corpus = Corpus(np.load(given.ids, mmap_mode="r"), np.load(given.lengths), int(given.tokens))
    ours, theirs = build_ours(corpus, given.folder), build_rival(corpus, given.folder)
    opening = {"infgram_s": _opening_s(ours), "in_place_s": _opening_s(theirs)}
    with infgram.open(ours) as own, infgram.open(theirs, vocab_size=VOCAB_SIZE) as in_place:
        rows = _rows(own, in_place, open_rivals(theirs), corpus)
        about = {
            "machine": describe(metadata.version("infini-gram")),
            "n_tokens": own.n_tokens,
            "opening": opening,
            "rows": rows,
        }
    given.output.write_text(json.dumps(about, indent=2) + "\n")
    print(json.dumps(rows, indent=2))


def _opening_s(path: Path) -> float:
    """Return the median time of opening a folder whose files are in memory."""
    times = []
    for _ in range(_ROUNDS):
        began = time.perf_counter()
        infgram.open(path).close()
        times.append(time.perf_counter() - began)
    return round(statistics.median(times), 4)


def _rows(own: infgram.Index, in_place: infgram.Index, rivals: Sequence[Any], corpus: Corpus) -> list[dict[str, Any]]:
    patterns = corpus.patterns(2_000)
    counts = [own.count(pattern) for pattern in patterns]
    assert [in_place.count(pattern) for pattern in patterns] == counts
    assert [rivals[0].count(pattern)["count"] for pattern in patterns] == counts
    rows = [_row("count", own.count, in_place.count, [rival.count for rival in rivals], patterns)]
    for size in (32, 100, 500):
        contexts = corpus.pieces(size, 500)
        expected = [own.longest_suffix(context) for context in contexts]
        assert [in_place.longest_suffix(context) for context in contexts] == expected
        asked = [rival.infgram_ntd for rival in rivals]
        name = f"infgram_distribution of {size}"
        rows.append(_row(name, own.infgram_distribution, in_place.infgram_distribution, asked, contexts))
    contexts = corpus.pieces(5, 500)
    asked = [rival.ntd for rival in rivals]
    name = "next_token_distribution of 5"
    return [*rows, _row(name, own.next_token_distribution, in_place.next_token_distribution, asked, contexts)]


def _row(question: str, own: Ask, in_place: Ask, rivals: Sequence[Ask], asked: Sequence[Tokens]) -> dict[str, Any]:
    asks = [own, in_place, *rivals]
    medians: list[list[float]] = [[] for _ in asks]
    for _ in range(_ROUNDS):
        for ask, each in zip(asks, medians, strict=True):
            each.append(statistics.median(times_us(ask, asked)))
    own_us, in_place_us, *rivals_us = (round(min(each), 2) for each in medians)
    return {
        "question": question,
        "n": len(asked),
        "infgram_us": own_us,
        "in_place_us": in_place_us,
        "infini_gram_us": min(rivals_us),
        "in_place_per_infgram": round(in_place_us / own_us, 2),
        "infini_gram_per_in_place": round(min(rivals_us) / in_place_us, 1),
    }


if __name__ == "__main__":
    main()
