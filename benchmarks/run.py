"""Run the build benchmarks, on generated data or on yours. Results are verified before they are timed.

    python benchmarks/run.py                              one minute: source code of this machine, only infgram
    python benchmarks/run.py --tokens 100e6 --books books.jsonl.zst --tokenizer gpt2/ --rival rival/bin/python

Install the rival in a separate environment, and pass its Python:

    python -m venv rival && rival/bin/pip install infini-gram==2.6.0 transformers zstandard

The corpus is half books (any files that infgram reads) and half source code (the folders of --source, Python, and its
packages). Alternatively, pass token ids: --ids FILE.npy --lengths FILE.npy.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np

sys.path.append(
    str(Path(__file__).resolve().parent.parent)
)  # last on the path, so that the installed infgram is imported

from benchmarks.building import Bench, Row
from benchmarks.corpora import Tokens, cut, mixed, separated, source_texts, texts_of, write_texts
from benchmarks.machine import describe, memory_bytes
from benchmarks.report import in_words, write_record
from benchmarks.rival import Rival
from infgram.tokenizers import resolve, train_bpe

QUESTIONS = ("sort", "hard", "text", "memory")


def main() -> None:
    """Parse the options, print the results, and write the record if requested."""
    options = _options()
    rival = Rival.find(options.rival, memory_bytes()) if options.rival else None
    if rival is None:
        print("no --rival PYTHON is given, so only infgram is measured")
    rows: list[Row] = [describe(rival.version if rival else None)]
    print(json.dumps(rows[0]))
    try:
        with (
            tempfile.TemporaryDirectory(dir=options.folder, prefix="infgram-data-") as data,
            tempfile.TemporaryDirectory(dir=options.folder, prefix="infgram-bench-") as work,
        ):
            for row in _answers(options, Path(data), Bench(Path(work), options.threads, options.repeats, rival)):
                rows.append(row)
                print(in_words(row), flush=True)
    finally:  # keep the measurements made before an error
        if options.record:
            write_record(options.record, "build", "Building an index", rows)


def _answers(options: argparse.Namespace, data: Path, bench: Bench) -> Iterator[Row]:
    asked = options.only or QUESTIONS
    tokenizer = options.tokenizer or _trained(options, data)
    if {"sort", "hard", "memory"} & set(asked):
        tokens = _tokens(options, tokenizer)
        if "sort" in asked:
            yield from bench.sorting(tokens)
        if "hard" in asked:
            yield from bench.hard_inputs(cut(tokens, int(options.hard_tokens or len(tokens))))
        if "memory" in asked:
            yield from bench.memory(tokens)
    if "text" in asked:
        yield from bench.text(_text_file(options, data), tokenizer)


def _tokens(options: argparse.Namespace, tokenizer: str) -> Tokens:
    if options.ids:
        ids = np.load(options.ids, mmap_mode="r")
        lengths = np.load(options.lengths) if options.lengths else np.array([len(ids)])
        return cut(separated(ids, lengths), int(options.tokens))
    source = source_texts(options.source)
    books = texts_of(options.books) if options.books else iter(())
    return mixed(books, source, resolve(tokenizer), int(options.tokens))


def _trained(options: argparse.Namespace, folder: Path) -> str:
    """Return a folder with a tokenizer trained on source code."""
    train_bpe(islice(source_texts(options.source), 500), 32_000).save(folder)
    return str(folder)


def _text_file(options: argparse.Namespace, folder: Path) -> Path:
    """Return the given `.jsonl.zst`, or write one from the given files or from source code."""
    if len(options.books) == 1 and options.books[0].endswith(".jsonl.zst"):
        return Path(options.books[0]).resolve()
    texts = texts_of(options.books) if options.books else source_texts(options.source)
    return write_texts(texts, folder / "texts.jsonl.zst", int(options.tokens) * 4)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--only", action="append", choices=QUESTIONS, help="a benchmark; may be repeated (default: all)")
    add("--tokens", type=float, default=5e6, help="maximum tokens of the corpus (default: 5e6)")
    add("--hard-tokens", type=float, help="tokens of the hard inputs (default: as --tokens)")
    add("--books", action="append", default=[], help="a file or folder of prose; may be repeated")
    add("--source", action="append", default=[], help="a folder of source code; may be repeated")
    add("--ids", help="the corpus as token ids below 65,535, NumPy's .npy")
    add("--lengths", help="the lengths of the documents in --ids, .npy")
    add("--tokenizer", help="a folder with tokenizer.json, vocab.json and merges.txt (default: train one)")
    add("--rival", metavar="PYTHON", help="a Python interpreter with infini-gram installed")
    add("--threads", type=int, default=len(os.sched_getaffinity(0)), help="number of threads (default: all cores)")
    add("--repeats", type=int, default=3, help="runs of infgram, of which the median is reported (default: 3)")
    add("--folder", type=Path, help="a folder for temporary files (default: the temporary folder)")
    add("--record", type=Path, metavar="FOLDER", help="write build.json and build.md to this folder")
    return parser.parse_args()


if __name__ == "__main__":
    main()
