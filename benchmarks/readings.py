"""How long do the readings of a string take? Strings of 1 to 8 words from the documents of an index.

    python benchmarks/readings.py CORPUS.infgram --load ram --record FOLDER

One thread. Each string is asked once, after one that is not timed. Before a time is printed, each answer is checked
against counts of its own: `string_count` is `count(any_tokenization=True)`, and with `other_case` it is
`count(ignore_case=True)`; the readings add up.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

sys.path.append(str(Path(__file__).resolve().parent.parent))  # last, so that infgram is the installed one

import infgram
from benchmarks.machine import describe
from benchmarks.report import Row, in_words, write_record

_WORDS: Final = (1, 2, 2, 3, 3, 4, 5, 8)
_TARGET_MS: Final = 5.0


def main() -> None:
    """Parse the options, print the rows and, if asked, write the record."""
    options = _options()
    rows: list[Row] = [describe(None)]
    with infgram.open(options.index, load=options.load) as index:
        strings = _strings(index, options.n_strings, options.seed)
        for row in _rows(index, strings):
            rows.append(row)
            print(in_words(row), flush=True)
    if options.record:
        write_record(options.record, "readings", "The readings of a string", rows)


def _rows(index: infgram.Index, strings: list[str]) -> Iterator[Row]:
    for other_case in (False, True):
        index.readings(strings[0], other_case=other_case)  # the vocabulary is arranged once
        times, answers = [], []
        for string in strings:
            began = time.perf_counter()
            answers.append(index.readings(string, other_case=other_case))
            times.append((time.perf_counter() - began) * 1e3)
        for found in answers:
            _check(index, found)
        p50, p95, p99, longest = np.percentile(times, [50, 95, 99, 100]).round(2).tolist()
        yield {
            "question": "readings",
            "asked": "in any case" if other_case else "in this case",
            "n_tokens": index.n_tokens,
            "n_strings": len(strings),
            "p50_ms": p50,
            "p95_ms": p95,
            "p99_ms": p99,
            "max_ms": longest,
            "share_within_5_ms": round(float(np.mean(np.array(times) <= _TARGET_MS)), 3),
            "share_exact": round(float(np.mean([found.is_exact for found in answers])), 3),
        }


def _check(index: infgram.Index, found: infgram.Readings) -> None:
    right = found.as_typed.count == index.count(found.text)
    if found.string_count is not None and found.other_tokenizations is not None:
        spaced = 0 if found.after_space is None else found.after_space.count
        right = right and found.string_count == index.count(found.text, any_tokenization=True)
        right = right and found.string_count == found.as_typed.count + spaced + found.other_tokenizations.count
        if found.other_case is not None:
            in_any_case = index.count(found.text, ignore_case=True)
            right = right and found.string_count + found.other_case.count == in_any_case
    if not right:
        raise SystemExit(f"wrong answer: the readings of {found.text!r}")


def _strings(index: infgram.Index, n_strings: int, seed: int) -> list[str]:
    """Runs of words from random documents."""
    drawn = random.Random(seed)
    strings: list[str] = []
    for _ in range(100 * n_strings):
        words = index.document(drawn.randrange(index.n_documents)).text.split()
        n_words = drawn.choice(_WORDS)
        if len(words) >= n_words:
            first = drawn.randrange(len(words) - n_words + 1)
            strings.append(" ".join(words[first : first + n_words]))
        if len(strings) == n_strings:
            return strings
    raise SystemExit("too few documents of the index have words")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("index", type=Path, help="an index with a tokenizer")
    parser.add_argument("--n-strings", type=int, default=400)
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--load", default="map", choices=["map", "warm", "ram"])
    parser.add_argument("--record", type=Path, default=None, help="a folder for readings.json and readings.md")
    return parser.parse_args()


if __name__ == "__main__":
    main()
